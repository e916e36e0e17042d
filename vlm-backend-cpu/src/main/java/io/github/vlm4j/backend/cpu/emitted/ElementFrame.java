package io.github.vlm4j.backend.cpu.emitted;

import java.lang.foreign.FunctionDescriptor;

/**
 * The beginning and the end of a function by element or row.
 *
 * <p>All functions have the same arguments, as linking a call of a new form takes time at a start:
 *
 * <ol start="0">
 *   <li>what the first operand lies in
 *   <li>the bytes before it
 *   <li>what the second operand lies in
 *   <li>the bytes before it
 *   <li>what the third operand lies in
 *   <li>the bytes before it
 *   <li>what the results go to
 *   <li>the bytes before them
 *   <li>the bytes of a row of results that are whole vectors, at least one unless a function says
 *       otherwise
 *   <li>the rows, at least 1
 *   <li>what is particular to a function
 *   <li>the same
 *   <li>the constants
 * </ol>
 */
final class ElementFrame {

  /** An operand, by the argument that is what it lies in. */
  enum Operand {
    FIRST,
    SECOND,
    THIRD,
    RESULTS;

    private int argument() {
      return 2 * ordinal();
    }
  }

  /** The arguments of all functions. */
  static final FunctionDescriptor ARGUMENTS = Calls.arguments("alalalallllla");

  private static final int ROW_BYTES = 8;
  private static final int ROWS = 9;
  private static final int PARTICULAR = 10;
  private static final int CONSTANTS = 12;

  private final Assembler a;
  private final Frame frame;
  private final int at;

  /** Writes the beginning, which points a register at the constants. */
  ElementFrame(Assembler assembler, CallingConvention convention) {
    this.a = assembler;
    this.at = assembler.position();
    this.frame = new Frame(assembler, convention, 1);
    a.mov(ElementConstant.TABLE, frame.argument(CONSTANTS));
  }

  /** Points a register at an operand; rax is overwritten. */
  void point(Gpr to, Operand operand) {
    a.mov(to, frame.argument(operand.argument()));
    a.mov(Gpr.RAX, frame.argument(operand.argument() + 1));
    a.add(to, Gpr.RAX);
  }

  /** Sets a register to the bytes of a row. */
  void rowBytes(Gpr to) {
    a.mov(to, frame.argument(ROW_BYTES));
  }

  /** Sets a register to the number of rows. */
  void rows(Gpr to) {
    a.mov(to, frame.argument(ROWS));
  }

  /** Returns where what is particular to a function lies, the first or the second. */
  Mem particular(int index) {
    return frame.argument(PARTICULAR + index);
  }

  /** Returns eight bytes of memory. */
  Mem local() {
    return frame.local(0);
  }

  /** Writes the end; returns where the function begins. */
  int leave() {
    frame.leave();
    return at;
  }
}
