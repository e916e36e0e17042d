package io.github.vlm4j.text.decoder;

import io.github.vlm4j.core.checkpoint.ConfigNode;
import io.github.vlm4j.core.model.TokenPositions;
import io.github.vlm4j.core.tensor.Tensor;

/** Rotary angles that grow with the token's place in the text (Su et al., RoFormer, 2021). */
public final class TextRotary implements RotaryEmbedding {

  private static final double DEFAULT_THETA = 10_000;

  private final float[] frequencies;

  private TextRotary(float[] frequencies) {
    this.frequencies = frequencies;
  }

  /**
   * Returns angles without any scaling.
   *
   * @param headDim the length of a head
   * @param theta the base of the frequencies
   */
  public static TextRotary of(int headDim, double theta) {
    float[] frequencies = new float[headDim / 2];
    for (int j = 0; j < frequencies.length; j++) {
      frequencies[j] = (float) (1 / Math.pow(theta, 2.0 * j / headDim));
    }
    return new TextRotary(frequencies);
  }

  /**
   * Reads {@code rope_parameters}, or {@code rope_theta} and {@code rope_scaling}.
   *
   * @param text the decoder's configuration
   * @param headDim the length of a head
   * @throws io.github.vlm4j.core.CheckpointException if it asks for a scaling that is not supported
   */
  public static TextRotary read(ConfigNode text, int headDim) {
    ConfigNode rope =
        text.objectIfPresent("rope_scaling")
            .filter(node -> !node.fields().isEmpty())
            .or(() -> text.objectIfPresent("rope_parameters"))
            .orElse(text);
    if (!rope.stringOr("rope_type", rope.stringOr("type", "default")).equals("default")) {
      throw rope.invalid("rope_type", "\"default\"");
    }
    double theta = text.positiveDoubleOr("rope_theta", DEFAULT_THETA);
    return of(headDim, rope.positiveDoubleOr("rope_theta", theta));
  }

  @Override
  public int angles() {
    return frequencies.length;
  }

  @Override
  public void fill(TokenPositions positions, int first, int count, Tensor cos, Tensor sin) {
    for (int i = 0; i < count; i++) {
      int position = positions.time(first + i);
      for (int j = 0; j < frequencies.length; j++) {
        float angle = position * frequencies[j];
        long at = (long) i * frequencies.length + j;
        cos.setFloat(at, (float) Math.cos(angle));
        sin.setFloat(at, (float) Math.sin(angle));
      }
    }
  }
}
