package io.github.vlm4j.backend.cpu.emitted;

/** Sets lanes of vectors to what is known when code is written. */
final class Lanes {

  private Lanes() {}

  /** Sets all lanes to the same 32 bits. Changes rax. */
  static void set(Assembler a, Zmm to, int bits) {
    a.mov(Gpr.RAX, Integer.toUnsignedLong(bits));
    a.broadcast(to, Gpr.RAX);
  }

  /** Sets all lanes to a number. Changes rax. */
  static void set(Assembler a, Zmm to, float number) {
    set(a, to, Float.floatToRawIntBits(number));
  }

  /**
   * Sets sixteen lanes to signed bytes, the first eight of them in the first number. Changes rax,
   * rbx and vector 0.
   */
  static void set(Assembler a, Zmm to, long first, long second) {
    Zmm bytes = new Zmm(0);
    a.mov(Gpr.RAX, first);
    a.mov(Gpr.RBX, second);
    a.pair(bytes, Gpr.RAX, Gpr.RBX);
    a.op(Evex.VPMOVSXBD, to, bytes);
  }
}
