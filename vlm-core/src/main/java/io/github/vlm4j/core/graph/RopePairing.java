package io.github.vlm4j.core.graph;

/** Which two dimensions of a head rotate together (Su et al., RoFormer, 2021). */
public enum RopePairing {
  /** i and {@code i + r}: Hugging Face's {@code rotate_half}. */
  HALVES,
  /** {@code 2i} and {@code 2i + 1}: the original paper's and Meta's layout. */
  INTERLEAVED
}
