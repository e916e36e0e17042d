package io.github.vlm4j.backend.cpu.emitted;

import io.github.vlm4j.backend.cpu.emitted.ElementFrame.Operand;
import java.util.function.Consumer;

/**
 * The code of norms, on rows of whole vectors. Each does what the Vector API's form does, in the
 * same order and with the same roundings, so that both give the same numbers; see {@link
 * ElementFrame} for the arguments.
 */
final class NormCode {

  /** Vectors that hold parts of a sum. */
  private static final int SUMS = 2;

  /** Vectors that hold parts of a sum of squares. */
  private static final int SQUARES = 4;

  private static final Zmm X = new Zmm(0);
  private static final Zmm FREE = new Zmm(1);
  private static final Zmm MEAN = new Zmm(2);
  private static final Zmm FACTOR = new Zmm(3);

  /** The first of the vectors that hold sums; the others follow. */
  private static final int SUM = 4;

  private final Assembler a;
  private final CallingConvention convention;
  private final FloatVectors floats;
  private final int vectorBytes;

  /** Creates what writes to an assembler. */
  NormCode(Assembler assembler, CallingConvention convention, FloatTile tile) {
    this.a = assembler;
    this.convention = convention;
    this.floats = tile.floats().apply(assembler);
    this.vectorBytes = tile.lanes() * Float.BYTES;
  }

  /**
   * Writes the function that normalises rows of the first operand by their root mean square and
   * multiplies them with the second. Particular are the number of elements of a row, an f32, and
   * what is added to a mean square, an f64.
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
      frame.point(Gpr.R11, Operand.THIRD);
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

  /** Walks rows with r8 and their results with r9; rbx holds the bytes of one. */
  private int rows(Consumer<ElementFrame> row) {
    ElementFrame frame = new ElementFrame(a, convention);
    frame.point(Gpr.R8, Operand.FIRST);
    frame.point(Gpr.R9, Operand.RESULTS);
    frame.rowBytes(Gpr.RBX);
    frame.rows(Gpr.R12);
    Label loop = new Label();
    a.place(loop);
    row.accept(frame);
    a.add(Gpr.R8, Gpr.RBX);
    a.add(Gpr.R9, Gpr.RBX);
    a.sub(Gpr.R12, 1);
    a.jump(Condition.NOT_EQUAL, loop);
    return frame.leave();
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
  private void eachInRow(ElementFrame frame, Runnable body) {
    Label loop = new Label();
    frame.point(Gpr.RSI, Operand.SECOND);
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
      floats.load(new Zmm(SUM + i), ElementConstant.ZERO.vector());
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
  private void average(ElementFrame frame, Zmm to) {
    a.mov(Gpr.RAX, frame.particular(0));
    floats.broadcast(FREE, Gpr.RAX);
    floats.op(FloatOp.DIVIDE, to, new Zmm(SUM), FREE);
  }

  /** Makes the factor of a row of a sum of squares, in f64 as the Vector API's form does. */
  private void factor(ElementFrame frame) {
    Zmm square = new Zmm(SUM);
    average(frame, square);
    a.op(Vex.VCVTSS2SD, square, square, square);
    a.op(Vex.VADDSD, square, square, frame.particular(1));
    a.op(Vex.VSQRTSD, square, square, square);
    a.op(Vex.VMOVUPS_XMM, FREE, ElementConstant.oneF64());
    a.op(Vex.VDIVSD, FREE, FREE, square);
    a.op(Vex.VCVTSD2SS, FREE, FREE, FREE);
    a.op(Vex.VMOVSS_STORE, FREE, frame.local());
    floats.broadcast(FACTOR, frame.local());
  }
}
