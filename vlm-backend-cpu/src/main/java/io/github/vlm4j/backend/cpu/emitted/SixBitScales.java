package io.github.vlm4j.backend.cpu.emitted;

/**
 * The eight scales and eight minima of a block of Q4_K, which have six bits each: of the first four
 * groups in a byte, of the others in four bits and two.
 */
final class SixBitScales {

  private static final int SIX = 0x3f3f3f3f;
  private static final int FOUR = 0x0f0f0f0f;
  private static final int TWO = 0x30303030;

  private SixBitScales() {}

  /**
   * Takes those of the block that rdi points at apart into bytes: the scales in rdx, the minima in
   * rax. Changes rbx, rbp and r13 too.
   */
  static void write(Assembler a) {
    a.mov(Gpr.RAX, Gpr.RDI.at());
    a.mov(Gpr.RBX, Gpr.RDI.at(8));
    part(a, Gpr.RDX, Gpr.RAX, 32, SIX);
    part(a, Gpr.RBP, Gpr.RBX, 32, FOUR);
    part(a, Gpr.R13, Gpr.RAX, 34, TWO);
    addUpper(a, Gpr.RDX);
    a.mov(Gpr.RAX, Gpr.RBX);
    a.and(Gpr.RAX, SIX);
    part(a, Gpr.RBP, Gpr.RBX, 36, FOUR);
    part(a, Gpr.R13, Gpr.RBX, 2, TWO);
    addUpper(a, Gpr.RAX);
  }

  /**
   * Leaves the eight scales, and then the eight minima, times the f16 that the block begins with,
   * in a vector. Changes what {@link #write} changes.
   *
   * @param six where to
   * @param factors a register to use
   * @param byHalves 0 in its first eight lanes, 1 in the others
   */
  static void writeScaled(Assembler a, Zmm six, Zmm factors, Zmm byHalves) {
    write(a);
    a.pair(six, Gpr.RDX, Gpr.RAX);
    a.op(Evex.VPMOVZXBD, six, six);
    a.op(Evex.VCVTDQ2PS, six, six);
    a.op(Evex.VCVTPH2PS_XMM, factors, Gpr.RDI.at());
    a.op(Evex.VPERMPS, factors, byHalves, factors);
    a.op(Evex.VMULPS, six, six, factors);
  }

  private static void part(Assembler a, Gpr to, Gpr from, int shift, int mask) {
    a.mov(to, from);
    a.shr(to, shift);
    a.and(to, mask);
  }

  private static void addUpper(Assembler a, Gpr to) {
    a.add(Gpr.RBP, Gpr.R13);
    a.shl(Gpr.RBP, 32);
    a.add(to, Gpr.RBP);
  }
}
