package io.github.vlm4j.backend.cpu.emitted;

import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * The outputs whose sums stay in registers while the inner dimension of a product in f32 is walked.
 *
 * @param vectors the vectors of outputs, at most
 * @param lanes the floats of a vector
 * @param floats what writes the instructions
 */
record FloatTile(int vectors, int lanes, Function<Assembler, FloatVectors> floats) {

  /** For 16 registers of 256 bits: with six inputs 12 sums, which hide a latency of four cycles. */
  static final FloatTile AVX2 = new FloatTile(2, 8, YmmFloats::new);

  /** For 32 registers of 512 bits: with six inputs 24 sums. */
  static final FloatTile AVX512 = new FloatTile(4, 16, ZmmFloats::new);

  /** Returns the tile as wide as panels are, if the processor has what it needs. */
  static Optional<FloatTile> of(int width, CpuFeatures features) {
    return Stream.concat(
            features.avx2() ? Stream.of(AVX2) : Stream.empty(),
            features.avx512() ? Stream.of(AVX512) : Stream.empty())
        .filter(tile -> tile.width() == width)
        .findFirst();
  }

  /** Returns the outputs of a tile. */
  int width() {
    return vectors * lanes;
  }
}
