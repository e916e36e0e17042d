package io.github.vlm4j.text.decoder;

import io.github.vlm4j.core.checkpoint.ConfigNode;
import java.util.OptionalInt;

/**
 * How the rotary frequencies of a decoder are stretched for texts longer than it was first trained
 * on. Everything is computed in single precision and in the reference's order, as a frequency that
 * differs in its last bit turns by another angle at high positions. Reference: transformers, {@code
 * modeling_rope_utils.py}.
 */
sealed interface RopeScaling
    permits RopeScaling.None,
        LinearRopeScaling,
        Llama3RopeScaling,
        YarnRopeScaling,
        FactorRopeScaling {

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
   * @param rope where they are: {@code rope_parameters} or {@code rope_scaling}
   * @param text the decoder's configuration
   * @param theta the base of the frequencies
   * @param headDim the length of a head
   */
  static RopeScaling read(ConfigNode rope, ConfigNode text, double theta, int headDim) {
    String field = rope.has("rope_type") ? "rope_type" : "type";
    return switch (rope.stringOr(field, "default")) {
      case "default" -> new None();
      case "linear" -> new LinearRopeScaling((float) rope.positiveDouble("factor"));
      case "llama3" -> Llama3RopeScaling.read(rope, requireOriginalLength(rope, text));
      case "factors" -> FactorRopeScaling.read(rope, headDim);
      case "yarn" ->
          YarnRopeScaling.read(rope, text, requireOriginalLength(rope, text), theta, headDim);
      default ->
          throw rope.invalid(
              field,
              "\"default\", \"linear\", \"llama3\" or \"yarn\", the kinds of rotary embedding that"
                  + " are supported");
    };
  }

  /**
   * Returns how many positions the settings stretch the original length to.
   *
   * @param length {@code max_position_embeddings}
   */
  static double stretchedLength(ConfigNode rope, ConfigNode text, int length) {
    return switch (rope.stringOr("rope_type", rope.stringOr("type", "default"))) {
      case "linear" -> length * rope.positiveDouble("factor");
      case "yarn" -> originalLength(rope, text).orElse(length) * rope.positiveDoubleOr("factor", 1);
      default -> length;
    };
  }

  private static int requireOriginalLength(ConfigNode rope, ConfigNode text) {
    return originalLength(rope, text).orElseGet(() -> text.positiveInt("max_position_embeddings"));
  }

  /** The length trained on before stretching; some configurations keep it beside the settings. */
  private static OptionalInt originalLength(ConfigNode rope, ConfigNode text) {
    String field = "original_max_position_embeddings";
    ConfigNode node = text.has(field) ? text : rope;
    return node.has(field) ? OptionalInt.of(node.positiveInt(field)) : OptionalInt.empty();
  }
}
