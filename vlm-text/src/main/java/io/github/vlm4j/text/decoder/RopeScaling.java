package io.github.vlm4j.text.decoder;

import io.github.vlm4j.core.checkpoint.ConfigNode;

/**
 * How the rotary frequencies of a decoder are stretched for texts longer than it was first trained
 * on. Everything is computed in single precision and in the reference's order, as a frequency that
 * differs in its last bit turns by another angle at high positions. Reference: transformers, {@code
 * modeling_rope_utils.py}.
 */
sealed interface RopeScaling
    permits RopeScaling.None, LinearRopeScaling, Llama3RopeScaling, YarnRopeScaling {

  /**
   * Returns the angle by which each pair turns from one position to the next.
   *
   * @param powers θ^(2j/d) for each pair j of a head of length d
   */
  float[] frequencies(float[] powers);

  /** Returns what the tables of cosines and sines are multiplied by. */
  default float attentionFactor() {
    return 1;
  }

  /** Frequencies as they are: 1/θ^(2j/d) (RoFormer, Su et al., 2021). */
  record None() implements RopeScaling {
    @Override
    public float[] frequencies(float[] powers) {
      float[] frequencies = new float[powers.length];
      for (int j = 0; j < powers.length; j++) {
        frequencies[j] = 1 / powers[j];
      }
      return frequencies;
    }
  }

  /**
   * Reads the settings of a decoder.
   *
   * @param rope where they are: {@code rope_parameters}, {@code rope_scaling}, or the configuration
   *     itself where it has neither
   * @param text the decoder's configuration
   * @param theta the base of the frequencies
   * @param headDim the length of a head
   */
  static RopeScaling read(ConfigNode rope, ConfigNode text, double theta, int headDim) {
    String field = rope.has("rope_type") ? "rope_type" : "type";
    return switch (rope.stringOr(field, "default")) {
      case "default" -> new None();
      case "linear" -> new LinearRopeScaling((float) rope.positiveDouble("factor"));
      case "llama3" -> Llama3RopeScaling.read(rope, originalLength(rope, text));
      case "yarn" -> YarnRopeScaling.read(rope, text, originalLength(rope, text), theta, headDim);
      default ->
          throw rope.invalid(
              field,
              "\"default\", \"linear\", \"llama3\" or \"yarn\", the kinds of rotary embedding that"
                  + " are supported");
    };
  }

  /**
   * The length trained on before stretching, which some configurations keep beside the settings.
   */
  private static int originalLength(ConfigNode rope, ConfigNode text) {
    String field = "original_max_position_embeddings";
    if (text.has(field)) {
      return text.positiveInt(field);
    }
    return rope.has(field) ? rope.positiveInt(field) : text.positiveInt("max_position_embeddings");
  }
}
