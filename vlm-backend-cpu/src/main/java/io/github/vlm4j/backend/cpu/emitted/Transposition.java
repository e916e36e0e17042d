package io.github.vlm4j.backend.cpu.emitted;

/** The transposition of a block of sixteen by sixteen elements of four bytes, in registers. */
final class Transposition {

  private static final int LANES = 16;

  private Transposition() {}

  /** Rows become columns in vectors 0 to 15: elements, then pairs, then quarters change places. */
  static void write(Assembler a) {
    int high = LANES;
    for (int i = 0; i < LANES; i += 2) {
      pair(a, Evex.VPUNPCKLDQ, Evex.VPUNPCKHDQ, high + i, high + i + 1, i, i + 1);
    }
    for (int i = 0; i < LANES; i += 4) {
      pair(a, Evex.VPUNPCKLQDQ, Evex.VPUNPCKHQDQ, i, i + 1, high + i, high + i + 2);
      pair(a, Evex.VPUNPCKLQDQ, Evex.VPUNPCKHQDQ, i + 2, i + 3, high + i + 1, high + i + 3);
    }
    for (int i = 0; i < 4; i++) {
      quarters(a, high + 4 * i, high + 4 * i + 1, i, i + 4);
      quarters(a, high + 4 * i + 2, high + 4 * i + 3, i + 8, i + 12);
    }
    for (int i = 0; i < 4; i++) {
      quarters(a, i, i + 8, high + 4 * i, high + 4 * i + 2);
      quarters(a, i + 4, i + 12, high + 4 * i + 1, high + 4 * i + 3);
    }
  }

  private static void pair(
      Assembler a, Evex low, Evex high, int toLow, int toHigh, int first, int second) {
    a.op(low, new Zmm(toLow), new Zmm(first), new Zmm(second));
    a.op(high, new Zmm(toHigh), new Zmm(first), new Zmm(second));
  }

  /** Gathers the even quarters of two vectors in one and the odd ones in another. */
  private static void quarters(Assembler a, int toEven, int toOdd, int first, int second) {
    a.op(Evex.VSHUFI32X4, new Zmm(toEven), new Zmm(first), new Zmm(second), 0x88);
    a.op(Evex.VSHUFI32X4, new Zmm(toOdd), new Zmm(first), new Zmm(second), 0xdd);
  }
}
