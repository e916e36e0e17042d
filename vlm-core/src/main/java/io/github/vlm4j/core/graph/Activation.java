package io.github.vlm4j.core.graph;

import io.github.vlm4j.core.ModelException;

/** Element-wise non-linearities. */
public enum Activation {
  /** {@code x·Φ(x)} with the exact Gaussian distribution function (Hendrycks and Gimpel, 2016). */
  GELU,
  /** The tanh approximation of GELU: {@code x/2·(1 + tanh(√(2/π)·(x + 0.044715·x³)))}. */
  GELU_TANH,
  /** The sigmoid approximation of GELU that OpenAI's CLIP uses: {@code x·σ(1.702·x)}. */
  QUICK_GELU,
  /** Sigmoid-weighted linear unit: {@code x·σ(x)}. */
  SILU,
  /** {@code max(x, 0)}. */
  RELU;

  /**
   * Returns the activation that a checkpoint's {@code hidden_act} means.
   *
   * @param name transformers' name, such as {@code gelu_pytorch_tanh}
   * @param where the file and field, for the error
   * @throws ModelException if it is not supported
   */
  public static Activation named(String name, String where) {
    return switch (name) {
      case "gelu" -> GELU;
      case "gelu_pytorch_tanh", "gelu_new" -> GELU_TANH;
      case "quick_gelu" -> QUICK_GELU;
      case "silu", "swish" -> SILU;
      case "relu" -> RELU;
      default ->
          throw new ModelException(
              where
                  + ": the activation \""
                  + name
                  + "\" is not supported; use one of gelu, "
                  + "gelu_pytorch_tanh, gelu_new, quick_gelu, silu, swish, relu.");
    };
  }
}
