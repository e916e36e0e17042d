package io.github.vlm4j.backend.cpu.emitted;

/** Products that are emitted beside those of f32, where the processor has them. */
public enum Products {
  /** Weights in bf16, and quantised ones unless as bytes, are multiplied as bf16 with AVX-512. */
  BF16,
  /**
   * Quantised weights are multiplied as bytes rather than as bf16, which is more exact; with AVX2
   * alone those of four bits are.
   */
  BYTES,
  /** With {@link #BF16}, tiles are multiplied at once, of weights in f16 and f32 all parts. */
  TILES,
  /** Weights in bf16 and other quantised ones are multiplied as 16 bits with AVX2 alone. */
  WORDS
}
