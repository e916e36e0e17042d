package io.github.vlm4j.backend.cpu.emitted;

/**
 * The memory that quantised inputs of matrix times vector lie in, and the registers that point into
 * it.
 *
 * <p>For {@code n} groups of inputs, rounded up to an even number, it holds first n times 32 bytes
 * of inputs and the eight ints that sums begin with; then n scales in f32; then n negated sums of
 * inputs, scaled; then 128 bytes for what is on its way between registers.
 */
final class RowMemory {

  /** The inputs of a group. */
  static final int GROUP = 32;

  /** The bytes from a group's inputs to those of the next. */
  static final int RECORD = 64;

  /** The bytes of two groups' inputs and ints, where these lie side by side. */
  static final int PAIR = 2 * RECORD;

  /** Groups whose scales are converted together. */
  static final int SCALES = 8;

  private static final int BETWEEN_REGISTERS = 128;

  private final Assembler a;
  private final int record;

  /** Creates what writes to an assembler. */
  RowMemory(Assembler assembler) {
    this(assembler, RECORD);
  }

  /**
   * Creates what writes to an assembler.
   *
   * @param record the bytes from a group's inputs to those of the next
   */
  RowMemory(Assembler assembler, int record) {
    this.a = assembler;
    this.record = record;
  }

  /** Returns the bytes of memory for some groups. */
  static long bytes(long groups) {
    return (groups + groups % 2) * (RECORD + 2 * Float.BYTES) + BETWEEN_REGISTERS;
  }

  /**
   * Points rsi at the inputs, r8 at the scales, r9 at the sums and r12 at what is behind them.
   *
   * @param memory the argument that is the address; the two that follow are the bytes before the
   *     first input and the number of groups
   */
  void point(Frame frame, int memory) {
    a.mov(Gpr.RSI, frame.argument(memory));
    a.mov(Gpr.R8, frame.argument(memory + 1));
    a.add(Gpr.RSI, Gpr.R8);
    a.mov(Gpr.R8, frame.argument(memory + 2));
    a.add(Gpr.R8, 1);
    a.and(Gpr.R8, -2);
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
    a.add(Gpr.RSI, record * groups);
    a.add(Gpr.R8, Float.BYTES * groups);
    a.add(Gpr.R9, Float.BYTES * groups);
    a.sub(Gpr.RCX, groups);
  }

  /**
   * Walks the groups of a row, of which rcx counts down: eight at a time, then those that are left
   * one by one.
   *
   * @param bytes a group's weights and scale
   */
  void eights(int bytes, Runnable eight, Runnable one) {
    Label next = new Label();
    Label few = new Label();
    Label single = new Label();
    Label end = new Label();
    a.place(next);
    a.cmp(Gpr.RCX, SCALES);
    a.jump(Condition.LESS, few);
    prefetch(SCALES * bytes);
    eight.run();
    advance(SCALES, SCALES * bytes);
    a.jump(next);
    a.place(few);
    a.cmp(Gpr.RCX, 1);
    a.jump(Condition.LESS, end);
    a.place(single);
    one.run();
    advance(1, bytes);
    a.jump(Condition.NOT_EQUAL, single);
    a.place(end);
  }

  /** Asks for as many bytes of weights further on. */
  void prefetch(int bytes) {
    Lookahead.write(a, bytes);
  }

  /** Gathers the scales of eight groups, f16 that begin each, in 128 bits. */
  void eightScales(Zmm to, int bytes) {
    for (int half = 0; half < 2; half++) {
      Gpr four = half == 0 ? Gpr.RAX : Gpr.RDX;
      a.movzx16(four, Gpr.RDI.at(bytes * (4 * half + 3)));
      for (int i = 2; i >= 0; i--) {
        a.shl(four, 16);
        a.movzx16(Gpr.RBX, Gpr.RDI.at(bytes * (4 * half + i)));
        a.add(four, Gpr.RBX);
      }
    }
    a.pair(to, Gpr.RAX, Gpr.RDX);
  }

  /**
   * Puts the eight scales of a block of Q4_K, and then its eight minima, a byte each, between
   * registers.
   */
  void scalesAndMinima() {
    SixBitScales.write(a);
    a.mov(Gpr.R12.at(), Gpr.RDX);
    a.mov(Gpr.R12.at(8), Gpr.RAX);
  }
}
