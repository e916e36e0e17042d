package io.github.vlm4j.backend.cpu.emitted;

/** Sets the lanes of vectors of AVX2 to what is known when code is written. All change rax. */
final class YmmLanes {

  private static final long NUMBERS = 0x07_06_05_04_03_02_01_00L;

  private YmmLanes() {}

  /** Sets all lanes to the same 32 bits. */
  static void set(Assembler a, Zmm to, int bits) {
    a.mov(Gpr.RAX, Integer.toUnsignedLong(bits));
    a.broadcast256(to, Gpr.RAX);
  }

  /** Sets all lanes to a number. */
  static void set(Assembler a, Zmm to, float number) {
    set(a, to, Float.floatToRawIntBits(number));
  }

  /**
   * Sets each lane to a byte of a constant, the lowest first.
   *
   * @param lent eight bytes of memory
   */
  static void set(Assembler a, Zmm to, long bytes, Mem lent) {
    a.mov(Gpr.RAX, bytes);
    a.mov(lent, Gpr.RAX);
    a.op(Vex.VPMOVZXBD, to, lent);
  }

  /** Sets each lane to its number, by way of eight bytes of memory. */
  static void numbers(Assembler a, Zmm to, Mem lent) {
    set(a, to, NUMBERS, lent);
  }
}
