package io.github.vlm4j.backend.cpu.emitted;

/** Products that are emitted beside those of f32 and bf16, where the processor has them. */
public enum Products {
  /** Quantised weights are multiplied as bytes rather than as bf16, which is more exact. */
  BYTES,
  /** Tiles of bf16 are multiplied at once, weights of all types that are not f32 or f16. */
  TILES,
  /** Weights in bf16 and quantised ones are multiplied as numbers of 16 bits with AVX2 alone. */
  WORDS
}
