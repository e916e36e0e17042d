package io.github.vlm4j.backend.cpu.emitted;

/**
 * The memory that quantised inputs of matrix times vector lie in, and the registers that point into
 * it.
 *
 * <p>For {@code n} groups of inputs it holds first n times 32 bytes of inputs and the eight ints
 * that sums begin with; then n scales in f32; then n negated sums of inputs, scaled; then 128 bytes
 * for what is on its way between registers.
 */
final class RowMemory {

  /** The inputs of a group. */
  static final int GROUP = 32;

  /** The bytes from a group's inputs to those of the next. */
  static final int RECORD = 64;

  private static final int BETWEEN_REGISTERS = 128;

  private final Assembler a;

  /** Creates what writes to an assembler. */
  RowMemory(Assembler assembler) {
    this.a = assembler;
  }

  /** Returns the bytes of memory for some groups. */
  static long bytes(long groups) {
    return groups * (RECORD + 2 * Float.BYTES) + BETWEEN_REGISTERS;
  }

  /**
   * Points rsi at the inputs, r8 at the scales, r9 at the sums and r12 at what is behind them.
   *
   * @param memory the argument that is the address
   * @param groups the argument that is the number of groups
   */
  void point(Frame frame, int memory, int groups) {
    a.mov(Gpr.RSI, frame.argument(memory));
    a.mov(Gpr.R8, frame.argument(groups));
    a.mov(Gpr.R9, Gpr.R8);
    a.shl(Gpr.R8, 6);
    a.add(Gpr.R8, Gpr.RSI);
    a.shl(Gpr.R9, 2);
    a.mov(Gpr.R12, Gpr.R9);
    a.add(Gpr.R9, Gpr.R8);
    a.add(Gpr.R12, Gpr.R9);
  }

  /**
   * Goes on behind some groups, of which rcx counts down.
   *
   * @param bytes of weights, which rdi points at
   */
  void advance(int groups, int bytes) {
    a.add(Gpr.RDI, bytes);
    a.add(Gpr.RSI, RECORD * groups);
    a.add(Gpr.R8, Float.BYTES * groups);
    a.add(Gpr.R9, Float.BYTES * groups);
    a.sub(Gpr.RCX, groups);
  }

  /**
   * Takes the eight scales of a block of Q4_K, and then its eight minima, apart into bytes, which
   * go between registers. They have six bits each; see {@link
   * io.github.vlm4j.core.quant.BlockCodec} for where those lie.
   */
  void scalesAndMinima() {
    a.mov(Gpr.RAX, Gpr.RDI.at());
    a.mov(Gpr.RBX, Gpr.RDI.at(8));
    a.mov(Gpr.RDX, Gpr.RAX);
    a.shr(Gpr.RDX, 32);
    a.and(Gpr.RDX, 0x3f3f3f3f);
    part(Gpr.RBP, Gpr.RBX, 32, 0x0f0f0f0f);
    part(Gpr.R13, Gpr.RAX, 34, 0x30303030);
    upper();
    a.mov(Gpr.R12.at(), Gpr.RDX);
    a.mov(Gpr.RDX, Gpr.RBX);
    a.and(Gpr.RDX, 0x3f3f3f3f);
    part(Gpr.RBP, Gpr.RBX, 36, 0x0f0f0f0f);
    part(Gpr.R13, Gpr.RBX, 2, 0x30303030);
    upper();
    a.mov(Gpr.R12.at(8), Gpr.RDX);
  }

  private void part(Gpr to, Gpr from, int shift, int mask) {
    a.mov(to, from);
    a.shr(to, shift);
    a.and(to, mask);
  }

  private void upper() {
    a.add(Gpr.RBP, Gpr.R13);
    a.shl(Gpr.RBP, 32);
    a.add(Gpr.RDX, Gpr.RBP);
  }
}
