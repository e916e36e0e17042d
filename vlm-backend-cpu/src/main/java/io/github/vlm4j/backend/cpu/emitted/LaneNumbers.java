package io.github.vlm4j.backend.cpu.emitted;

/** Sets each of eight lanes to a small number of its own, in AVX2 by way of memory. */
final class LaneNumbers {

  private static final long OWN = 0x07_06_05_04_03_02_01_00L;

  private LaneNumbers() {}

  /** Sets each lane to its number. Changes rax. */
  static void write(Assembler a, Zmm to, Mem lent) {
    write(a, to, OWN, lent);
  }

  /**
   * Sets each lane to a byte of a constant, the lowest first. Changes rax.
   *
   * @param lent eight bytes of memory
   */
  static void write(Assembler a, Zmm to, long bytes, Mem lent) {
    a.mov(Gpr.RAX, bytes);
    a.mov(lent, Gpr.RAX);
    a.op(Vex.VPMOVZXBD, to, lent);
  }
}
