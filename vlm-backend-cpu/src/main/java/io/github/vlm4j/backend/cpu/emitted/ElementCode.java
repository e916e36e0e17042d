package io.github.vlm4j.backend.cpu.emitted;

import io.github.vlm4j.backend.cpu.emitted.ElementFrame.Operand;
import io.github.vlm4j.core.graph.Activation;
import io.github.vlm4j.core.tensor.DType;

/**
 * The code of operations by element. Each does what the Vector API's form does, with the same
 * roundings, so that both give the same numbers; see {@link ElementFrame} for the arguments.
 */
final class ElementCode {

  private static final Zmm X = ActivationCode.X;
  private static final Zmm RESULT = ActivationCode.RESULT;
  private static final Zmm FREE = new Zmm(8);
  private static final Zmm FACTOR = new Zmm(9);

  /** Holds a vector of the second operand. */
  private static final Zmm OTHER = new Zmm(10);

  private final Assembler a;
  private final CallingConvention convention;
  private final FloatVectors floats;
  private final ActivationCode activations;
  private final int vectorBytes;

  /** Creates what writes to an assembler. */
  ElementCode(Assembler assembler, CallingConvention convention, FloatTile tile) {
    this.a = assembler;
    this.convention = convention;
    this.floats = tile.floats().apply(assembler);
    this.activations = new ActivationCode(floats);
    this.vectorBytes = tile.lanes() * Float.BYTES;
  }

  /** Writes the function that combines two operands, a row each; returns where it begins. */
  int pairs(FloatOp op) {
    return elements(() -> floats.op(op, RESULT, X, OTHER));
  }

  /** Writes the function that applies an activation to the first operand, a single row. */
  int activate(Activation activation) {
    return elements(() -> activations.write(activation));
  }

  /** Writes the function that multiplies the second operand with the activation of the first. */
  int gate(Activation activation) {
    return elements(() -> {
      activations.write(activation);
      floats.op(FloatOp.MULTIPLY, RESULT, RESULT, OTHER);
    });
  }

  /**
   * Walks a row, which need not have a whole vector: {@code body} makes a result of X and the other
   * operand. The first argument that is particular has a bit for each of the elements behind the
   * last whole vector.
   */
  private int elements(Runnable body) {
    ElementFrame frame = begin();
    Label some = new Label();
    Label end = new Label();
    a.cmp(Gpr.RCX, 0);
    a.jump(Condition.EQUAL, some);
    eachVector(
        DType.F32,
        () -> {
          floats.load(OTHER, Gpr.RSI.at());
          body.run();
        });
    a.place(some);
    a.mov(Gpr.RAX, frame.particular(0));
    a.cmp(Gpr.RAX, 0);
    a.jump(Condition.EQUAL, end);
    floats.choose(Gpr.RAX, FREE);
    floats.loadSome(X, Gpr.RDI.at());
    floats.loadSome(OTHER, Gpr.RSI.at());
    body.run();
    floats.storeSome(RESULT, Gpr.RDX.at());
    a.place(end);
    return frame.leave();
  }

  /** Writes the function that converts numbers of a type to f32, in whole vectors. */
  int widen(DType type) {
    ElementFrame frame = begin();
    eachVector(type, () -> floats.move(RESULT, X));
    return frame.leave();
  }

  /**
   * Writes the function that adds numbers of a type, times an f32 that is particular, to the
   * results.
   */
  int addScaled(DType type) {
    ElementFrame frame = begin();
    a.mov(Gpr.RAX, frame.particular(0));
    floats.broadcast(FACTOR, Gpr.RAX);
    eachVector(
        type,
        () -> {
          floats.load(RESULT, Gpr.RDX.at());
          floats.op(FloatOp.ADD_PRODUCT, RESULT, X, FACTOR);
        });
    return frame.leave();
  }

  /** Points rdi, rsi and rdx at the first two operands and the results. */
  private ElementFrame begin() {
    ElementFrame frame = new ElementFrame(a, convention);
    frame.point(Gpr.RDI, Operand.FIRST);
    frame.point(Gpr.RSI, Operand.SECOND);
    frame.point(Gpr.RDX, Operand.RESULTS);
    frame.rowBytes(Gpr.RCX);
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

  /**
   * Writes the function that rotates pairs of elements, half a head apart, by angles of which the
   * second operand has the cosines and the third the sines. A row is a half of a head.
   */
  int rope() {
    ElementFrame frame = new ElementFrame(a, convention);
    Zmm cos = new Zmm(1);
    Zmm sin = new Zmm(2);
    Zmm other = new Zmm(3);
    Zmm product = new Zmm(4);
    Zmm result = new Zmm(5);
    frame.point(Gpr.R8, Operand.FIRST);
    frame.point(Gpr.RSI, Operand.SECOND);
    frame.point(Gpr.R11, Operand.THIRD);
    frame.point(Gpr.R9, Operand.RESULTS);
    frame.rowBytes(Gpr.RBX);
    frame.rows(Gpr.R12);
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
    return frame.leave();
  }
}
