package io.github.vlm4j.text.decoder;

import io.github.vlm4j.core.checkpoint.ConfigNode;

/**
 * YaRN (Peng et al., 2023): pairs up to the first bound turn as before, those from the last bound
 * on more slowly by the factor, those between by a mixture that changes along a ramp; and attention
 * is made sharper by a factor on the tables.
 *
 * @param factor by which texts may be longer
 * @param first the pair at which the ramp begins
 * @param last the pair at which it ends
 * @param attentionFactor what the tables are multiplied by
 */
record YarnRopeScaling(double factor, double first, double last, float attentionFactor)
    implements RopeScaling {

  static YarnRopeScaling read(
      ConfigNode rope, ConfigNode text, int originalLength, double theta, int headDim) {
    if (theta <= 1) {
      throw (rope.has("rope_theta") ? rope : text).invalid("rope_theta", "more than 1");
    }
    double factor =
        rope.has("factor")
            ? rope.positiveDouble("factor")
            : text.positiveInt("max_position_embeddings") / (double) originalLength;
    double first = pairTurning(betaOr(rope, "beta_fast", 32), originalLength, theta, headDim);
    double last = pairTurning(betaOr(rope, "beta_slow", 1), originalLength, theta, headDim);
    if (rope.booleanOr("truncate", true)) {
      first = Math.floor(first);
      last = Math.ceil(last);
    }
    return new YarnRopeScaling(
        factor, Math.max(first, 0), Math.min(last, headDim - 1), attentionFactor(rope, factor));
  }

  /** The pair, as a real number, that turns so many times within a length. */
  private static double pairTurning(double turns, int length, double theta, int headDim) {
    return headDim * Math.log(length / (turns * 2 * Math.PI)) / (2 * Math.log(theta));
  }

  /** Zero stands for what is not said, as in the reference. */
  private static double betaOr(ConfigNode rope, String field, double defaultValue) {
    return rope.isOff(field) ? defaultValue : rope.positiveDoubleOr(field, defaultValue);
  }

  private static float attentionFactor(ConfigNode rope, double factor) {
    if (rope.has("attention_factor")) {
      return (float) rope.positiveDouble("attention_factor");
    }
    double scale = rope.doubleOr("mscale", 0);
    double scaleAllDim = rope.doubleOr("mscale_all_dim", 0);
    if (scale == 0 || scaleAllDim == 0) {
      return (float) sharpness(factor, 1);
    }
    return (float) (sharpness(factor, scale) / sharpness(factor, scaleAllDim));
  }

  private static double sharpness(double factor, double scale) {
    return factor <= 1 ? 1 : 0.1 * scale * Math.log(factor) + 1;
  }

  @Override
  public float[] frequencies(float[] powers) {
    // A ramp of no length would divide by zero.
    float length = (float) ((first == last ? last + 0.001 : last) - first);
    float[] frequencies = new float[powers.length];
    for (int j = 0; j < powers.length; j++) {
      float kept = 1 - Math.clamp((j - (float) first) / length, 0f, 1f);
      float stretched = 1 / ((float) factor * powers[j]);
      frequencies[j] = stretched * (1 - kept) + 1 / powers[j] * kept;
    }
    return frequencies;
  }
}
