package io.github.vlm4j.backend.cpu.emitted;

/** Combines the lanes of a vector. */
final class Reduction {

  /** Shuffles that bring halves, then quarters, pairs and neighbours to each other's place. */
  private static final int HALVES = 0x4e;

  private static final int NEIGHBOURS = 0xb1;

  /** A shuffle of two halves that brings them to each other's place. */
  private static final int SWAPPED = 1;

  private Reduction() {}

  /**
   * Combines all lanes of a vector and sets all to the result.
   *
   * @param op an instruction of three vectors whose last two may change places
   * @param moved a register to use
   */
  static void write(Assembler a, Evex op, Zmm x, Zmm moved) {
    for (int shuffle : new int[] {HALVES, NEIGHBOURS}) {
      a.op(Evex.VSHUFI32X4, moved, x, x, shuffle);
      a.op(op, x, x, moved);
    }
    for (int shuffle : new int[] {HALVES, NEIGHBOURS}) {
      a.op(Evex.VPSHUFD, moved, x, shuffle);
      a.op(op, x, x, moved);
    }
  }

  /** The same for a vector of 256 bits. */
  static void write(Assembler a, Vex op, Zmm x, Zmm moved) {
    a.op(Vex.VPERM2I128, moved, x, x, SWAPPED);
    a.op(op, x, x, moved);
    for (int shuffle : new int[] {HALVES, NEIGHBOURS}) {
      a.op(Vex.VPSHUFD, moved, x, shuffle);
      a.op(op, x, x, moved);
    }
  }
}
