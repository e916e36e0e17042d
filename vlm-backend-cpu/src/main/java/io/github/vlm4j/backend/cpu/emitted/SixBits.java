package io.github.vlm4j.backend.cpu.emitted;

/**
 * The numbers of a block of Q6_K, of which four bits are in one place and two in another. Keeps
 * vectors 23 to 28 for itself.
 */
final class SixBits {

  private static final int VECTOR_BYTES = 64;

  /** {@code first | second & third}, for vpternlogd. */
  private static final int OR_AND = 0xf8;

  private static final Zmm LOW_NIBBLES = new Zmm(28);
  private static final Zmm HIGH_PAIRS = new Zmm(27);
  private static final Zmm CENTRE = new Zmm(26);
  private static final Zmm TO_LEFT = new Zmm(25);
  private static final Zmm TO_RIGHT = new Zmm(24);
  private static final Zmm FOURTH = new Zmm(23);

  private SixBits() {}

  /** Writes what sets the vectors that the other methods' code needs. Changes vector 0. */
  static void constants(Assembler a) {
    Lanes.set(a, LOW_NIBBLES, 0x0f0f0f0f);
    Lanes.set(a, HIGH_PAIRS, 0x30303030);
    Lanes.set(a, CENTRE, 0x20202020);
    Lanes.set(a, FOURTH, 3);
    Lanes.set(a, TO_LEFT, 0x0404040404040404L, 0x0202020202020202L);
    Lanes.set(a, TO_RIGHT, 0, 0x0202020202020202L);
  }

  /** Leaves the sixteen scales of the block that rdi points at in vector 0. Changes vector 1. */
  static void scales(Assembler a) {
    a.op(Evex.VCVTPH2PS_XMM, v(1), Gpr.RDI.at(202));
    a.op(Evex.VPERMPS, v(1), FOURTH, v(1));
    a.op(Evex.VPMOVSXBD, v(0), Gpr.RDI.at(192));
    a.op(Evex.VCVTDQ2PS, v(0), v(0));
    a.op(Evex.VMULPS, v(0), v(0), v(1));
  }

  /**
   * Stores the 128 bytes q − 32 of a half of the block at rsp, of which sixteen share a scale.
   * Changes vectors 2 to 5.
   */
  static void half(Assembler a, int half) {
    Zmm nibbles = v(2);
    Zmm pairs = v(3);
    Zmm q = v(4);
    Zmm upper = v(5);
    a.op(Evex.VMOVUPS, nibbles, Gpr.RDI.at(64 * half));
    a.op(Evex.VBROADCASTI64X4, pairs, Gpr.RDI.at(128 + 32 * half));
    a.op(Evex.VPANDD, q, nibbles, LOW_NIBBLES);
    a.op(Evex.VPSLLVD, upper, pairs, TO_LEFT);
    join(a, q, upper, 0);
    a.shift(Evex.VPSRLD, q, nibbles, 4);
    a.op(Evex.VPANDD, q, q, LOW_NIBBLES);
    a.op(Evex.VPSRLVD, upper, pairs, TO_RIGHT);
    join(a, q, upper, VECTOR_BYTES);
  }

  /** Stores 64 bytes q − 32, whose upper bits are among others. */
  private static void join(Assembler a, Zmm q, Zmm upper, int to) {
    a.op(Evex.VPTERNLOGD, q, upper, HIGH_PAIRS, OR_AND);
    a.op(Evex.VPSUBB, q, q, CENTRE);
    a.op(Evex.VMOVUPS_STORE, q, Gpr.RSP.at(to));
  }

  private static Zmm v(int number) {
    return new Zmm(number);
  }
}
