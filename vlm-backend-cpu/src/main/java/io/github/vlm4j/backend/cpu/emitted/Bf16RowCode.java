package io.github.vlm4j.backend.cpu.emitted;

/**
 * The code of matrix times vector for bf16 weights with AVX2, in f32: a weight's bits are the upper
 * half of an f32's. What the Vector API form lacks is that weights are asked for ahead.
 */
final class Bf16RowCode {

  /** Weights of a step. */
  static final int GROUP = 32;

  private static final int SUMS = 4;
  private static final int LANES = 8;

  /** How far ahead weights are asked for, in bytes; what is behind the last row does no harm. */
  private static final int AHEAD = 2048;

  private final Assembler a;
  private final CallingConvention convention;

  /** Creates what writes to an assembler. */
  Bf16RowCode(Assembler assembler, CallingConvention convention) {
    this.a = assembler;
    this.convention = convention;
  }

  /**
   * Writes the function that multiplies rows of weights with inputs. Its arguments:
   *
   * <ol start="0">
   *   <li>the weights
   *   <li>the bytes before the first row
   *   <li>the bytes from a row to the next
   *   <li>the number of rows, at least 1
   *   <li>the inputs, f32
   *   <li>the bytes before the first
   *   <li>the groups of {@value #GROUP} inputs, at least 1
   *   <li>the results, f32
   *   <li>the bytes before the first
   * </ol>
   *
   * @return where it begins
   */
  int multiply() {
    int at = a.position();
    Frame frame = new Frame(a, convention);
    sum(Gpr.R10, frame, 0, 1);
    sum(Gpr.R11, frame, 4, 5);
    sum(Gpr.R14, frame, 7, 8);
    a.mov(Gpr.R8, frame.argument(2));
    a.mov(Gpr.R9, frame.argument(6));
    a.mov(Gpr.R15, frame.argument(3));
    Label row = new Label();
    Label group = new Label();
    a.place(row);
    a.mov(Gpr.RDI, Gpr.R10);
    a.mov(Gpr.RSI, Gpr.R11);
    a.mov(Gpr.RCX, Gpr.R9);
    for (int i = 0; i < SUMS; i++) {
      a.op(Vex.VPXOR, v(i), v(i), v(i));
    }
    a.place(group);
    a.prefetch(Gpr.RDI.at(AHEAD));
    for (int i = 0; i < SUMS; i++) {
      Zmm weights = v(SUMS + i);
      a.op(Vex.VPMOVZXWD, weights, Gpr.RDI.at(Short.BYTES * LANES * i));
      a.shift(Vex.VPSLLD, weights, weights, Short.SIZE);
      a.op(Vex.VFMADD231PS, v(i), weights, Gpr.RSI.at(Float.BYTES * LANES * i));
    }
    a.add(Gpr.RDI, Short.BYTES * GROUP);
    a.add(Gpr.RSI, Float.BYTES * GROUP);
    a.sub(Gpr.RCX, 1);
    a.jump(Condition.NOT_EQUAL, group);
    a.op(Vex.VADDPS, v(0), v(0), v(1));
    a.op(Vex.VADDPS, v(2), v(2), v(3));
    a.op(Vex.VADDPS, v(0), v(0), v(2));
    Reduction.write(a, Vex.VADDPS, v(0), v(1));
    a.op(Vex.VMOVSS_STORE, v(0), Gpr.R14.at());
    a.add(Gpr.R14, Float.BYTES);
    a.add(Gpr.R10, Gpr.R8);
    a.sub(Gpr.R15, 1);
    a.jump(Condition.NOT_EQUAL, row);
    frame.leave();
    return at;
  }

  private void sum(Gpr to, Frame frame, int address, int bytes) {
    a.mov(to, frame.argument(address));
    a.mov(Gpr.RAX, frame.argument(bytes));
    a.add(to, Gpr.RAX);
  }

  private static Zmm v(int number) {
    return new Zmm(number);
  }
}
