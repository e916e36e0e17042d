package io.github.vlm4j.text.decoder;

import io.github.vlm4j.core.checkpoint.ConfigNode;
import java.util.Arrays;

/**
 * Each frequency divided by a factor of its own, as GGUF files hold what the stretching of Llama 3
 * comes to. Reference: ggml, {@code ggml_rope_ext}, its {@code freq_factors}.
 *
 * @param factors one for each pair
 */
record FactorRopeScaling(double[] factors) implements RopeScaling {

  /**
   * Reads the list {@code factors}.
   *
   * @throws io.github.vlm4j.core.CheckpointException if there are not as many as a head has pairs,
   *     or one is not positive
   */
  static FactorRopeScaling read(ConfigNode rope, int headDim) {
    double[] factors = rope.doubles("factors");
    if (factors.length != headDim / 2 || !Arrays.stream(factors).allMatch(factor -> factor > 0)) {
      throw rope.invalid("factors", headDim / 2 + " positive numbers, one for each pair of a head");
    }
    return new FactorRopeScaling(factors);
  }

  @Override
  public float[] frequencies(float[] powers) {
    float[] frequencies = new float[powers.length];
    for (int j = 0; j < powers.length; j++) {
      frequencies[j] = 1 / powers[j] / (float) factors[j];
    }
    return frequencies;
  }
}
