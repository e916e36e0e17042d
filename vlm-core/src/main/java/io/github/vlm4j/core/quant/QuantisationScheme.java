package io.github.vlm4j.core.quant;

import io.github.vlm4j.core.tensor.DType;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/** A way to quantise a model, under the names that llama.cpp's users know. */
public enum QuantisationScheme {
  /** All matrices in Q8_0. */
  Q8_0(DType.Q8_0),
  /** Matrices in Q4_0, what computes the logits in Q6_K. */
  Q4_0(DType.Q4_0),
  /** Matrices in Q4_K; what computes the logits and some that matter more in Q6_K. */
  Q4_K_M(DType.Q4_K),
  /** All matrices in Q4_K, for measuring. */
  Q4_K(DType.Q4_K),
  /** All matrices in Q6_K, for measuring. */
  Q6_K(DType.Q6_K);

  private final DType base;

  QuantisationScheme(DType base) {
    this.base = base;
  }

  /** Returns the scheme of a name in any case, such as {@code q4_k_m}. */
  public static Optional<QuantisationScheme> named(String name) {
    return Arrays.stream(values())
        .filter(scheme -> scheme.name().equals(name.toUpperCase(Locale.ROOT)))
        .findFirst();
  }

  /** Returns the type of most matrices. */
  DType base() {
    return base;
  }
}
