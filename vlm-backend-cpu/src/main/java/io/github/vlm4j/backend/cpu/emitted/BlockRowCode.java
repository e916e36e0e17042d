package io.github.vlm4j.backend.cpu.emitted;

import io.github.vlm4j.core.tensor.DType;

/** The code that walks rows of quantised blocks, whatever they become. */
final class BlockRowCode {

  /** Bytes on the stack, from rsp on, for what is on its way between registers. */
  static final int BETWEEN = 4 * 64;

  private static final int VECTOR_BYTES = 64;

  /** Weights that share a scale, or may. */
  static final int GROUP = 32;

  /**
   * What a block becomes. What decodes the block that rdi points at, to where r9 points, may change
   * all vectors but those of its constants, rax, rbx, rbp, rdx and r13.
   */
  interface Block {

    /** Returns the bytes that {@link #GROUP} weights become. */
    int groupBytes();

    /** Writes what sets registers that all blocks of a type need. */
    void constants(DType type);

    /** Writes what decodes a block of Q8_0. */
    void eightBits();

    /** Writes what decodes a block of Q4_0. */
    void fourBits();

    /** Writes what decodes a block of Q4_K. */
    void superFourBits();

    /** Writes what decodes a block of Q6_K. */
    void superSixBits();
  }

  private BlockRowCode() {}

  /** Returns whether there is code for a type. */
  static boolean takes(DType type) {
    return switch (type) {
      case Q8_0, Q4_0, Q4_K, Q6_K -> true;
      default -> false;
    };
  }

  /**
   * Writes the function that decodes rows of a type. Its arguments:
   *
   * <ol start="0">
   *   <li>the rows of blocks
   *   <li>the bytes before the first
   *   <li>the bytes from one to the next
   *   <li>where what they become goes
   *   <li>the bytes before the first
   *   <li>the bytes from one to the next
   *   <li>the blocks of a row, at least 1
   *   <li>the number of rows, at least 1
   * </ol>
   *
   * @return where it begins
   */
  static int write(Assembler a, CallingConvention convention, DType type, Block code) {
    int at = a.position();
    Frame frame = new Frame(a, convention);
    a.mov(Gpr.R8, frame.argument(0));
    a.mov(Gpr.RAX, frame.argument(1));
    a.add(Gpr.R8, Gpr.RAX);
    a.mov(Gpr.R10, frame.argument(2));
    a.mov(Gpr.RSI, frame.argument(3));
    a.mov(Gpr.RAX, frame.argument(4));
    a.add(Gpr.RSI, Gpr.RAX);
    a.mov(Gpr.R11, frame.argument(5));
    a.mov(Gpr.R14, frame.argument(6));
    a.mov(Gpr.R15, frame.argument(7));
    a.mov(Gpr.R12, Gpr.RSP);
    a.sub(Gpr.RSP, BETWEEN);
    a.and(Gpr.RSP, -VECTOR_BYTES);
    code.constants(type);
    Label row = new Label();
    Label block = new Label();
    a.place(row);
    a.mov(Gpr.RDI, Gpr.R8);
    a.mov(Gpr.R9, Gpr.RSI);
    a.mov(Gpr.RCX, Gpr.R14);
    a.place(block);
    Lookahead.write(a, type.blockBytes());
    switch (type) {
      case Q8_0 -> code.eightBits();
      case Q4_0 -> code.fourBits();
      case Q4_K -> code.superFourBits();
      case Q6_K -> code.superSixBits();
      default -> throw new IllegalArgumentException(type + " is not stored in blocks");
    }
    a.add(Gpr.RDI, type.blockBytes());
    a.add(Gpr.R9, code.groupBytes() * (type.blockElements() / GROUP));
    a.sub(Gpr.RCX, 1);
    a.jump(Condition.NOT_EQUAL, block);
    a.add(Gpr.R8, Gpr.R10);
    a.add(Gpr.RSI, Gpr.R11);
    a.sub(Gpr.R15, 1);
    a.jump(Condition.NOT_EQUAL, row);
    a.mov(Gpr.RSP, Gpr.R12);
    frame.leave();
    return at;
  }
}
