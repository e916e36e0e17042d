package io.github.vlm4j.backend.cpu.emitted;

import io.github.vlm4j.core.graph.Activation;
import io.github.vlm4j.core.tensor.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.function.Consumer;

/**
 * The code of operations by element or row, on whole vectors. Each does what the Vector API's form
 * does, in the same order and with the same roundings, so that both give the same numbers.
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
 *   <li>the bytes of a row of results that are whole vectors, at least one
 *   <li>the rows, at least 1
 *   <li>what is particular to a function
 *   <li>the same
 *   <li>the constants
 * </ol>
 */
final class ElementCode {

  /** The arguments of all functions. */
  static final FunctionDescriptor ARGUMENTS = Calls.arguments("alalalallllla");

  private static final int RESULTS = 6;
  private static final int ROW = 8;
  private static final int ROWS = 9;
  private static final int TABLE = 12;

  /** Vectors that hold parts of a sum. */
  private static final int SUMS = 2;

  /** Vectors that hold parts of a sum of squares. */
  private static final int SQUARES = 4;

  /** The bytes of the widest vector. */
  private static final int LINE = 64;

  /** Numbers that lie in memory as often as a vector has lanes, since registers are too few. */
  private enum Constant {
    ZERO(0),
    ONE(1),
    HALF(0.5f),
    SIZE(Float.intBitsToFloat(Integer.MAX_VALUE)),
    LOG2_E(1.44269504088896341f),
    MINUS_LN2_HIGH(-0.693359375f),
    MINUS_LN2_LOW(2.12194440e-4f),
    /** Adding it rounds to an integer, which then stands in the lowest bits. */
    ROUNDER(0x1.8p23f),
    LEAST_EXPONENT(-87.33654f),
    MINUS_GREATEST_EXPONENT(-88.72283f),
    EXP_7(1f / 5040),
    EXP_6(1f / 720),
    EXP_5(1f / 120),
    EXP_4(1f / 24),
    EXP_3(1f / 6),
    SQRT_HALF(0.70710678118654752f),
    ERFC_P(0.3275911f),
    ERFC_5(1.061405429f),
    ERFC_4(-1.453152027f),
    ERFC_3(1.421413741f),
    ERFC_2(-0.284496736f),
    ERFC_1(0.254829592f),
    GELU_CUBE(0.044715f),
    TWO_SQRT_2_OVER_PI(1.59576912160573071f),
    QUICK(1.702f);

    private final float value;

    Constant(float value) {
      this.value = value;
    }
  }

  /** The powers of e, from the second highest; those that are left are ½, 1 and 1. */
  private static final Constant[] EXP = {
    Constant.EXP_6,
    Constant.EXP_5,
    Constant.EXP_4,
    Constant.EXP_3,
    Constant.HALF,
    Constant.ONE,
    Constant.ONE
  };

  private static final Constant[] ERFC = {
    Constant.ERFC_4, Constant.ERFC_3, Constant.ERFC_2, Constant.ERFC_1
  };

  /** Where 1 in f64 lies behind the constants. */
  private static final int ONE_F64 = LINE * Constant.values().length;

  /** Holds the address of the constants. */
  private static final Gpr CONSTANTS = Gpr.R10;

  private static final Zmm X = new Zmm(0);

  /** Holds what an activation comes to. */
  private static final Zmm RESULT = new Zmm(1);

  private static final Zmm INNER = new Zmm(2);
  private static final Zmm POWER = new Zmm(3);
  private static final Zmm SHIFTED = new Zmm(4);
  private static final Zmm REST = new Zmm(5);
  private static final Zmm FREE = new Zmm(6);
  private static final Zmm SHARE = new Zmm(7);

  /** Holds a vector of the second operand. */
  private static final Zmm OTHER = new Zmm(14);

  private static final Zmm MEAN = new Zmm(8);
  private static final Zmm FACTOR = new Zmm(9);

  /** The first of the vectors that hold sums; the others follow. */
  private static final int SUM = 10;

  private final Assembler a;
  private final CallingConvention convention;
  private final FloatVectors floats;
  private final int vectorBytes;

  /** Creates what writes to an assembler. */
  ElementCode(Assembler assembler, CallingConvention convention, FloatTile tile) {
    this.a = assembler;
    this.convention = convention;
    this.floats = tile.floats().apply(assembler);
    this.vectorBytes = tile.lanes() * Float.BYTES;
  }

  /** Returns the constants that the functions read. */
  static MemorySegment constants(Arena arena) {
    MemorySegment all = arena.allocate(ONE_F64 + LINE, LINE);
    for (Constant constant : Constant.values()) {
      for (int at = 0; at < LINE; at += Float.BYTES) {
        all.set(ValueLayout.JAVA_FLOAT, (long) LINE * constant.ordinal() + at, constant.value);
      }
    }
    all.set(ValueLayout.JAVA_DOUBLE, ONE_F64, 1);
    return all;
  }

  /** Writes the function that combines two operands, a row each; returns where it begins. */
  int pairs(FloatOp op) {
    return elements(() -> floats.op(op, RESULT, X, OTHER));
  }

  /** Writes the function that applies an activation to the first operand, a single row. */
  int activate(Activation activation) {
    return elements(() -> activated(activation));
  }

  /** Writes the function that multiplies the second operand with the activation of the first. */
  int gate(Activation activation) {
    return elements(() -> {
      activated(activation);
      floats.op(FloatOp.MULTIPLY, RESULT, RESULT, OTHER);
    });
  }

  /**
   * Walks a row: {@code body} makes a result of X and the other operand. Argument 10 has a bit for
   * each of the elements behind the last whole vector.
   */
  private int elements(Runnable body) {
    int at = a.position();
    Frame frame = begin();
    Label end = new Label();
    eachVector(
        DType.F32,
        () -> {
          floats.load(OTHER, Gpr.RSI.at());
          body.run();
        });
    a.mov(Gpr.RAX, frame.argument(10));
    a.cmp(Gpr.RAX, 0);
    a.jump(Condition.EQUAL, end);
    floats.choose(Gpr.RAX, FREE);
    floats.loadSome(X, Gpr.RDI.at());
    floats.loadSome(OTHER, Gpr.RSI.at());
    body.run();
    floats.storeSome(RESULT, Gpr.RDX.at());
    a.place(end);
    frame.leave();
    return at;
  }

  /** Writes the function that converts numbers of a type to f32, in whole vectors. */
  int widen(DType type) {
    int at = a.position();
    Frame frame = begin();
    eachVector(type, () -> floats.move(RESULT, X));
    frame.leave();
    return at;
  }

  /** Writes the function that adds numbers of a type, times argument 10, an f32, to the results. */
  int addScaled(DType type) {
    int at = a.position();
    Frame frame = begin();
    a.mov(Gpr.RAX, frame.argument(10));
    floats.broadcast(FACTOR, Gpr.RAX);
    eachVector(
        type,
        () -> {
          floats.load(RESULT, Gpr.RDX.at());
          floats.op(FloatOp.ADD_PRODUCT, RESULT, X, FACTOR);
        });
    frame.leave();
    return at;
  }

  /** Points rdi, rsi and rdx at the first two operands and the results. */
  private Frame begin() {
    Frame frame = new Frame(a, convention);
    point(frame, Gpr.RDI, 0);
    point(frame, Gpr.RSI, 2);
    point(frame, Gpr.RDX, RESULTS);
    a.mov(Gpr.RCX, frame.argument(ROW));
    a.mov(CONSTANTS, frame.argument(TABLE));
    return frame;
  }

  /** Walks whole vectors, of which X is one: {@code body} makes a result of it. */
  private void eachVector(DType type, Runnable body) {
    Label loop = new Label();
    a.place(loop);
    floats.load(type, X, Gpr.RDI.at());
    body.run();
    floats.store(RESULT, Gpr.RDX.at());
    a.add(Gpr.RDI, vectorBytes / Float.BYTES * type.blockBytes());
    a.add(Gpr.RSI, vectorBytes);
    a.add(Gpr.RDX, vectorBytes);
    a.sub(Gpr.RCX, vectorBytes);
    a.jump(Condition.NOT_EQUAL, loop);
  }

  private void point(Frame frame, Gpr to, int argument) {
    a.mov(to, frame.argument(argument));
    a.mov(Gpr.RAX, frame.argument(argument + 1));
    a.add(to, Gpr.RAX);
  }

  private Mem constant(Constant constant) {
    return CONSTANTS.at(LINE * constant.ordinal());
  }

  private void activated(Activation activation) {
    switch (activation) {
      case RELU -> {
        floats.load(RESULT, constant(Constant.ZERO));
        floats.op(FloatOp.MAXIMUM, RESULT, RESULT, X);
      }
      case SILU -> {
        floats.move(INNER, X);
        multiplyBySigmoid();
      }
      case QUICK_GELU -> {
        floats.op(FloatOp.MULTIPLY, INNER, X, constant(Constant.QUICK));
        multiplyBySigmoid();
      }
      case GELU_TANH -> {
        floats.op(FloatOp.MULTIPLY, SHARE, X, X);
        floats.load(FREE, constant(Constant.ONE));
        floats.op(FloatOp.ADD_PRODUCT, FREE, SHARE, constant(Constant.GELU_CUBE));
        floats.op(FloatOp.MULTIPLY, INNER, X, constant(Constant.TWO_SQRT_2_OVER_PI));
        floats.op(FloatOp.MULTIPLY, INNER, INNER, FREE);
        multiplyBySigmoid();
      }
      case GELU -> gelu();
    }
  }

  /** Sets the result to X times {@code σ(inner)}. */
  private void multiplyBySigmoid() {
    floats.load(RESULT, constant(Constant.ZERO));
    floats.op(FloatOp.SUBTRACT, RESULT, RESULT, INNER);
    exp(RESULT);
    floats.op(FloatOp.ADD, POWER, POWER, constant(Constant.ONE));
    floats.load(SHARE, constant(Constant.ONE));
    floats.op(FloatOp.DIVIDE, SHARE, SHARE, POWER);
    // Where the exponential overflows, which leaves anything in the place of infinity.
    floats.load(FREE, constant(Constant.MINUS_GREATEST_EXPONENT));
    floats.clearLess(SHARE, INNER, FREE);
    floats.op(FloatOp.MULTIPLY, RESULT, X, SHARE);
  }

  /** With {@code t = |x·erfc(|x|/√2)/2|} it is x - t for x ≥ 0, and -t for x &lt; 0. */
  private void gelu() {
    floats.op(FloatOp.MULTIPLY, INNER, X, constant(Constant.SQRT_HALF));
    floats.op(FloatOp.AND, INNER, INNER, constant(Constant.SIZE));
    floats.op(FloatOp.MULTIPLY, REST, INNER, INNER);
    floats.load(RESULT, constant(Constant.ZERO));
    floats.op(FloatOp.SUBTRACT, RESULT, RESULT, REST);
    exp(RESULT);
    floats.load(FREE, constant(Constant.ONE));
    floats.op(FloatOp.ADD_PRODUCT, FREE, INNER, constant(Constant.ERFC_P));
    floats.load(SHARE, constant(Constant.ONE));
    floats.op(FloatOp.DIVIDE, SHARE, SHARE, FREE);
    floats.load(REST, constant(Constant.ERFC_5));
    for (Constant next : ERFC) {
      floats.op(FloatOp.MULTIPLY_AND_ADD, REST, SHARE, constant(next));
    }
    floats.op(FloatOp.MULTIPLY, REST, REST, SHARE);
    floats.op(FloatOp.MULTIPLY, REST, REST, POWER);
    floats.op(FloatOp.MULTIPLY, SHARE, X, constant(Constant.HALF));
    floats.op(FloatOp.MULTIPLY, REST, REST, SHARE);
    floats.op(FloatOp.AND, REST, REST, constant(Constant.SIZE));
    floats.load(RESULT, constant(Constant.ZERO));
    floats.op(FloatOp.MAXIMUM, RESULT, RESULT, X);
    floats.op(FloatOp.SUBTRACT, RESULT, RESULT, REST);
  }

  /** Sets POWER to e to the power of a vector, which is kept; anything where that overflows. */
  private void exp(Zmm x) {
    floats.load(SHIFTED, constant(Constant.ROUNDER));
    floats.op(FloatOp.ADD_PRODUCT, SHIFTED, x, constant(Constant.LOG2_E));
    floats.op(FloatOp.SUBTRACT, FREE, SHIFTED, constant(Constant.ROUNDER));
    floats.move(REST, x);
    floats.op(FloatOp.ADD_PRODUCT, REST, FREE, constant(Constant.MINUS_LN2_HIGH));
    floats.op(FloatOp.ADD_PRODUCT, REST, FREE, constant(Constant.MINUS_LN2_LOW));
    floats.load(POWER, constant(Constant.EXP_7));
    for (Constant next : EXP) {
      floats.op(FloatOp.MULTIPLY_AND_ADD, POWER, REST, constant(next));
    }
    floats.shiftLeft(SHIFTED, SHIFTED, 23);
    floats.op(FloatOp.ADD_INTEGERS, POWER, POWER, SHIFTED);
    floats.move(REST, x);
    floats.load(FREE, constant(Constant.LEAST_EXPONENT));
    floats.clearLess(POWER, REST, FREE);
  }

  /**
   * Writes the function that normalises rows of the first operand by their root mean square and
   * multiplies them with the second. Argument 10 is the number of elements of a row, an f32,
   * argument 11 what is added to a mean square, an f64.
   */
  int rmsNorm() {
    return rows(frame -> {
      sum(
          SQUARES,
          (sum, bytes) -> {
            floats.load(X, Gpr.RDI.at(bytes));
            floats.op(FloatOp.ADD_PRODUCT, sum, X, X);
          });
      factor(frame);
      eachInRow(
          frame,
          () -> {
            floats.op(FloatOp.MULTIPLY, X, FACTOR, Gpr.RDI.at());
            floats.op(FloatOp.MULTIPLY, X, X, Gpr.RSI.at());
            floats.store(X, Gpr.RDX.at());
          });
    });
  }

  /**
   * Writes the function, with the same arguments, that normalises rows by mean and variance; the
   * third operand is added to each.
   */
  int layerNorm() {
    return rows(frame -> {
      sum(SUMS, (sum, bytes) -> floats.op(FloatOp.ADD, sum, sum, Gpr.RDI.at(bytes)));
      average(frame, MEAN);
      sum(
          SQUARES,
          (sum, bytes) -> {
            floats.load(X, Gpr.RDI.at(bytes));
            floats.op(FloatOp.SUBTRACT, X, X, MEAN);
            floats.store(X, Gpr.RDX.at(bytes));
            floats.op(FloatOp.ADD_PRODUCT, sum, X, X);
          });
      factor(frame);
      point(frame, Gpr.R11, 4);
      eachInRow(
          frame,
          () -> {
            floats.op(FloatOp.MULTIPLY, X, FACTOR, Gpr.RDX.at());
            floats.load(FREE, Gpr.RSI.at());
            floats.op(FloatOp.MULTIPLY_AND_ADD, X, FREE, Gpr.R11.at());
            floats.store(X, Gpr.RDX.at());
            a.add(Gpr.R11, vectorBytes);
          });
    });
  }

  /**
   * Writes the function that rotates pairs of elements, half a head apart, by angles of which the
   * second operand has the cosines and the third the sines. A row is a half of a head.
   */
  int rope() {
    int at = a.position();
    Frame frame = new Frame(a, convention);
    Zmm cos = new Zmm(1);
    Zmm sin = new Zmm(2);
    Zmm other = new Zmm(3);
    Zmm product = new Zmm(4);
    Zmm result = new Zmm(5);
    point(frame, Gpr.R8, 0);
    point(frame, Gpr.RSI, 2);
    point(frame, Gpr.R11, 4);
    point(frame, Gpr.R9, RESULTS);
    a.mov(Gpr.RBX, frame.argument(ROW));
    a.mov(Gpr.R12, frame.argument(ROWS));
    // All point behind what they walk, as rcx counts up to zero.
    a.add(Gpr.RSI, Gpr.RBX);
    a.add(Gpr.R11, Gpr.RBX);
    Label head = new Label();
    Label loop = new Label();
    a.place(head);
    a.lea(Gpr.RDI, Gpr.R8.plus(Gpr.RBX, 2));
    a.lea(Gpr.RDX, Gpr.R9.plus(Gpr.RBX, 2));
    a.add(Gpr.R8, Gpr.RBX);
    a.add(Gpr.R9, Gpr.RBX);
    a.mov(Gpr.RCX, Gpr.RBX);
    a.neg(Gpr.RCX);
    a.place(loop);
    floats.load(X, Gpr.R8.plus(Gpr.RCX, 1));
    floats.load(other, Gpr.RDI.plus(Gpr.RCX, 1));
    floats.load(cos, Gpr.RSI.plus(Gpr.RCX, 1));
    floats.load(sin, Gpr.R11.plus(Gpr.RCX, 1));
    floats.op(FloatOp.MULTIPLY, result, X, cos);
    floats.op(FloatOp.MULTIPLY, product, other, sin);
    floats.op(FloatOp.SUBTRACT, result, result, product);
    floats.store(result, Gpr.R9.plus(Gpr.RCX, 1));
    floats.op(FloatOp.MULTIPLY, result, other, cos);
    floats.op(FloatOp.MULTIPLY, product, X, sin);
    floats.op(FloatOp.ADD, result, result, product);
    floats.store(result, Gpr.RDX.plus(Gpr.RCX, 1));
    a.add(Gpr.RCX, vectorBytes);
    a.jump(Condition.NOT_EQUAL, loop);
    a.mov(Gpr.R8, Gpr.RDI);
    a.mov(Gpr.R9, Gpr.RDX);
    a.sub(Gpr.R12, 1);
    a.jump(Condition.NOT_EQUAL, head);
    frame.leave();
    return at;
  }

  /** Walks rows with r8 and their results with r9; rbx holds the bytes of one. */
  private int rows(Consumer<Frame> row) {
    int at = a.position();
    Frame frame = new Frame(a, convention, 1);
    point(frame, Gpr.R8, 0);
    point(frame, Gpr.R9, RESULTS);
    a.mov(Gpr.RBX, frame.argument(ROW));
    a.mov(Gpr.R12, frame.argument(ROWS));
    a.mov(CONSTANTS, frame.argument(TABLE));
    Label loop = new Label();
    a.place(loop);
    row.accept(frame);
    a.add(Gpr.R8, Gpr.RBX);
    a.add(Gpr.R9, Gpr.RBX);
    a.sub(Gpr.R12, 1);
    a.jump(Condition.NOT_EQUAL, loop);
    frame.leave();
    return at;
  }

  /** Points rdi at a row, rdx at its results; rcx counts its bytes. */
  private void beginRow() {
    a.mov(Gpr.RDI, Gpr.R8);
    a.mov(Gpr.RDX, Gpr.R9);
    a.mov(Gpr.RCX, Gpr.RBX);
  }

  private void advance(int bytes) {
    a.add(Gpr.RDI, bytes);
    a.add(Gpr.RDX, bytes);
    a.sub(Gpr.RCX, bytes);
  }

  /** Walks the vectors of a row, and of the second operand with rsi. */
  private void eachInRow(Frame frame, Runnable body) {
    Label loop = new Label();
    point(frame, Gpr.RSI, 2);
    beginRow();
    a.place(loop);
    body.run();
    a.add(Gpr.RSI, vectorBytes);
    advance(vectorBytes);
    a.jump(Condition.NOT_EQUAL, loop);
  }

  /** Adds to a sum what becomes of the vector some bytes further on in a row. */
  private interface Summand {
    void addTo(Zmm sum, int bytes);
  }

  /** Leaves the sum over a row in all lanes of the first of some vectors. */
  private void sum(int vectors, Summand summand) {
    Label several = new Label();
    Label single = new Label();
    Label end = new Label();
    for (int i = 0; i < vectors; i++) {
      floats.load(new Zmm(SUM + i), constant(Constant.ZERO));
    }
    beginRow();
    a.place(several);
    a.cmp(Gpr.RCX, vectors * vectorBytes);
    a.jump(Condition.LESS, single);
    for (int i = 0; i < vectors; i++) {
      summand.addTo(new Zmm(SUM + i), vectorBytes * i);
    }
    advance(vectors * vectorBytes);
    a.jump(several);
    a.place(single);
    a.cmp(Gpr.RCX, vectorBytes);
    a.jump(Condition.LESS, end);
    summand.addTo(new Zmm(SUM), 0);
    advance(vectorBytes);
    a.jump(single);
    a.place(end);
    for (int apart = 1; apart < vectors; apart *= 2) {
      for (int i = 0; i < vectors; i += 2 * apart) {
        Zmm to = new Zmm(SUM + i);
        floats.op(FloatOp.ADD, to, to, new Zmm(SUM + i + apart));
      }
    }
    floats.combine(FloatOp.ADD, new Zmm(SUM), FREE);
  }

  /** Divides the sum by the elements of a row. */
  private void average(Frame frame, Zmm to) {
    a.mov(Gpr.RAX, frame.argument(10));
    floats.broadcast(FREE, Gpr.RAX);
    floats.op(FloatOp.DIVIDE, to, new Zmm(SUM), FREE);
  }

  /** Makes the factor of a row of a sum of squares, in f64 as the Vector API's form does. */
  private void factor(Frame frame) {
    Zmm square = new Zmm(SUM);
    average(frame, square);
    a.op(Vex.VCVTSS2SD, square, square, square);
    a.op(Vex.VADDSD, square, square, frame.argument(11));
    a.op(Vex.VSQRTSD, square, square, square);
    a.op(Vex.VMOVUPS_XMM, FREE, CONSTANTS.at(ONE_F64));
    a.op(Vex.VDIVSD, FREE, FREE, square);
    a.op(Vex.VCVTSD2SS, FREE, FREE, FREE);
    a.op(Vex.VMOVSS_STORE, FREE, frame.local(0));
    floats.broadcast(FACTOR, frame.local(0));
  }
}
