package io.github.vlm4j.backend.cpu.emitted;

/**
 * The code of a running softmax (Milakov and Gimelshein, "Online normalizer calculation for
 * softmax", 2018), with vectors that run along the queries or, for a single one, along the keys.
 *
 * <p>Exponentials are powers of two: a score is multiplied with log₂e and the same product of the
 * greatest score taken off in one step that rounds once, so that large scores lose nothing by it.
 */
final class FloatSoftmaxCode {

  /** Adding it rounds to an integer, which then stands in the lowest bits. */
  private static final float ROUNDER = 0x1.8p23f;

  /** Whole powers of two below this are taken for zero. */
  private static final float LEAST_EXPONENT = -125;

  /** Any score that is less is taken for it, so that no product of it leaves the finite numbers. */
  private static final float LOWEST = -Float.MAX_VALUE / 2;

  private static final float LOG2_E = 1.44269504088896341f;

  /** Where the exponent of an f32 begins. */
  private static final int FRACTION_BITS = 23;

  /** Powers of two from -½ to ½, the highest power first: off by less than 2e-8, exact for 0. */
  static final float[] POWERS_OF_TWO = {
    1.53533620e-4f, 1.33988739e-3f, 9.61843692e-3f, 5.55033237e-2f, 0.240226477f, 0.693147182f, 1
  };

  /** What is added to scores times {@link #FACTOR}. */
  private static final Zmm BASE = new Zmm(4);

  private static final Zmm SUM = new Zmm(5);
  private static final Zmm ROUND = new Zmm(6);
  private static final Zmm LEAST = new Zmm(7);

  /** The first of the coefficients; the others follow. */
  private static final int POLYNOMIAL = 8;

  private static final Zmm FACTOR = new Zmm(15);

  private final Assembler a;
  private final CallingConvention convention;
  private final FloatVectors floats;
  private final int vectors;
  private final int vectorBytes;
  private final int rowBytes;

  /** Creates what writes to an assembler. */
  FloatSoftmaxCode(Assembler assembler, CallingConvention convention, FloatTile tile) {
    this.a = assembler;
    this.convention = convention;
    this.floats = tile.floats().apply(assembler);
    this.vectors = tile.vectors();
    this.vectorBytes = tile.lanes() * Float.BYTES;
    this.rowBytes = vectors * vectorBytes;
  }

  /**
   * Writes the function that replaces a tile of scores by exponentials, relative to the greatest
   * score of each query so far, and brings sums and results of earlier tiles to the same base. Its
   * arguments:
   *
   * <ol start="0">
   *   <li>the scores: for each key a row as wide as the tile
   *   <li>the number of keys, at least 1
   *   <li>the results so far, rows of the same width, then the greatest scores and the sums
   *   <li>the rows of results, at least 1
   * </ol>
   *
   * @return where it begins
   */
  int soften() {
    int at = a.position();
    Frame frame = new Frame(a, convention);
    constants();
    a.mov(Gpr.RDI, frame.argument(0));
    a.mov(Gpr.RDX, frame.argument(2));
    a.mov(Gpr.R8, frame.argument(3));
    a.shl(Gpr.R8, Integer.numberOfTrailingZeros(rowBytes));
    a.add(Gpr.R8, Gpr.RDX);
    for (int v = 0; v < vectors; v++) {
      Mem greatest = Gpr.R8.at(vectorBytes * v);
      Mem sums = Gpr.R8.at(rowBytes + vectorBytes * v);
      greatest(frame, greatest, v);
      fade(frame, greatest, v);
      floats.op(FloatOp.MULTIPLY, SUM, new Zmm(0), sums);
      powers(frame, v);
      floats.store(SUM, sums);
    }
    frame.leave();
    return at;
  }

  /**
   * Writes the function that scales the scores of one query and replaces them by exponentials,
   * relative to the greatest so far. Its arguments:
   *
   * <ol start="0">
   *   <li>what all of it lies in
   *   <li>the bytes before the scores
   *   <li>the vectors of scores, at least 1
   *   <li>what scores are multiplied with, the bits of an f32
   *   <li>the bytes before the greatest score so far, which is raised
   *   <li>the bytes before where the sum of exponentials goes
   * </ol>
   *
   * @return where it begins
   */
  int softenRow() {
    int at = a.position();
    Frame frame = new Frame(a, convention);
    Zmm x = new Zmm(0);
    Zmm greatest = new Zmm(1);
    Zmm scale = new Zmm(2);
    constants();
    a.mov(Gpr.RDX, frame.argument(0));
    a.mov(Gpr.R8, frame.argument(4));
    a.add(Gpr.R8, Gpr.RDX);
    a.mov(Gpr.R9, frame.argument(5));
    a.add(Gpr.R9, Gpr.RDX);
    a.mov(Gpr.RAX, frame.argument(1));
    a.add(Gpr.RDX, Gpr.RAX);
    a.mov(Gpr.RAX, frame.argument(3));
    floats.broadcast(scale, Gpr.RAX);
    floats.broadcast(greatest, Gpr.R8.at());
    eachVector(
        frame,
        () -> {
          floats.op(FloatOp.MULTIPLY, x, scale, Gpr.RDI.at());
          floats.store(x, Gpr.RDI.at());
          floats.op(FloatOp.MAXIMUM, greatest, x, greatest);
        });
    floats.combine(FloatOp.MAXIMUM, greatest, x);
    a.op(Vex.VMOVSS_STORE, greatest, Gpr.R8.at());
    Zmm free = new Zmm(2);
    constant(free, LOWEST);
    floats.op(FloatOp.MAXIMUM, BASE, free, greatest);
    constant(free, -LOG2_E);
    floats.op(FloatOp.MULTIPLY, BASE, BASE, free);
    a.op(Vex.VPXOR, SUM, SUM, SUM);
    eachVector(
        frame,
        () -> {
          floats.load(x, Gpr.RDI.at());
          floats.op(FloatOp.MULTIPLY_AND_ADD, x, FACTOR, BASE);
          power();
          floats.op(FloatOp.ADD, SUM, SUM, x);
          floats.store(x, Gpr.RDI.at());
        });
    floats.combine(FloatOp.ADD, SUM, x);
    a.op(Vex.VMOVSS_STORE, SUM, Gpr.R9.at());
    frame.leave();
    return at;
  }

  /** Walks the vectors of a row, which begins at rdx, with rdi. */
  private void eachVector(Frame frame, Runnable body) {
    Label loop = new Label();
    a.mov(Gpr.RDI, Gpr.RDX);
    a.mov(Gpr.RCX, frame.argument(2));
    a.place(loop);
    body.run();
    a.add(Gpr.RDI, vectorBytes);
    a.sub(Gpr.RCX, 1);
    a.jump(Condition.NOT_EQUAL, loop);
  }

  private void constants() {
    constant(ROUND, ROUNDER);
    constant(LEAST, LEAST_EXPONENT);
    constant(FACTOR, LOG2_E);
    for (int i = 0; i < POWERS_OF_TWO.length; i++) {
      constant(new Zmm(POLYNOMIAL + i), POWERS_OF_TWO[i]);
    }
  }

  private void constant(Zmm to, float value) {
    a.mov(Gpr.RAX, Integer.toUnsignedLong(Float.floatToRawIntBits(value)));
    floats.broadcast(to, Gpr.RAX);
  }

  /** Leaves the greatest scores in vector 1. */
  private void greatest(Frame frame, Mem before, int vector) {
    Label loop = new Label();
    Label even = new Label();
    Label end = new Label();
    floats.load(new Zmm(1), before);
    floats.load(new Zmm(2), before);
    a.lea(Gpr.RAX, Gpr.RDI.at(vectorBytes * vector));
    a.mov(Gpr.RCX, frame.argument(1));
    a.test(Gpr.RCX, 1);
    a.jump(Condition.EQUAL, even);
    floats.op(FloatOp.MAXIMUM, new Zmm(1), new Zmm(1), Gpr.RAX.at());
    a.add(Gpr.RAX, rowBytes);
    a.sub(Gpr.RCX, 1);
    a.jump(Condition.EQUAL, end);
    a.place(even);
    a.place(loop);
    floats.op(FloatOp.MAXIMUM, new Zmm(1), new Zmm(1), Gpr.RAX.at());
    floats.op(FloatOp.MAXIMUM, new Zmm(2), new Zmm(2), Gpr.RAX.at(rowBytes));
    a.add(Gpr.RAX, 2 * rowBytes);
    a.sub(Gpr.RCX, 2);
    a.jump(Condition.NOT_EQUAL, loop);
    a.place(end);
    floats.op(FloatOp.MAXIMUM, new Zmm(1), new Zmm(1), new Zmm(2));
  }

  /**
   * Brings the greatest scores up to date and results to that base, even by 1: whether it is would
   * be known late, and guessed wrongly. Leaves the factor in vector 0.
   */
  private void fade(Frame frame, Mem greatest, int vector) {
    Label loop = new Label();
    floats.load(new Zmm(0), greatest);
    floats.store(new Zmm(1), greatest);
    // A query that has seen no key yet: any finite base keeps -∞ - -∞ from becoming NaN.
    Zmm lowest = new Zmm(2);
    Zmm minus = new Zmm(3);
    constant(lowest, LOWEST);
    constant(minus, -LOG2_E);
    floats.op(FloatOp.MAXIMUM, BASE, lowest, new Zmm(1));
    floats.op(FloatOp.MULTIPLY, BASE, BASE, minus);
    floats.op(FloatOp.MAXIMUM, new Zmm(0), lowest, new Zmm(0));
    floats.op(FloatOp.MULTIPLY, new Zmm(0), new Zmm(0), minus);
    floats.op(FloatOp.SUBTRACT, new Zmm(0), BASE, new Zmm(0));
    power();
    a.lea(Gpr.RAX, Gpr.RDX.at(vectorBytes * vector));
    a.mov(Gpr.RCX, frame.argument(3));
    a.place(loop);
    floats.op(FloatOp.MULTIPLY, new Zmm(1), new Zmm(0), Gpr.RAX.at());
    floats.store(new Zmm(1), Gpr.RAX.at());
    a.add(Gpr.RAX, rowBytes);
    a.sub(Gpr.RCX, 1);
    a.jump(Condition.NOT_EQUAL, loop);
  }

  private void powers(Frame frame, int vector) {
    Label loop = new Label();
    a.lea(Gpr.RAX, Gpr.RDI.at(vectorBytes * vector));
    a.mov(Gpr.RCX, frame.argument(1));
    a.place(loop);
    floats.load(new Zmm(0), Gpr.RAX.at());
    floats.op(FloatOp.MULTIPLY_AND_ADD, new Zmm(0), FACTOR, BASE);
    power();
    floats.op(FloatOp.ADD, SUM, SUM, new Zmm(0));
    floats.store(new Zmm(0), Gpr.RAX.at());
    a.add(Gpr.RAX, rowBytes);
    a.sub(Gpr.RCX, 1);
    a.jump(Condition.NOT_EQUAL, loop);
  }

  /**
   * Replaces vector 0 by two to its power: whole powers change the exponent, a polynomial the rest.
   */
  private void power() {
    Zmm x = new Zmm(0);
    Zmm exponent = new Zmm(1);
    Zmm whole = new Zmm(2);
    Zmm sum = new Zmm(3);
    floats.op(FloatOp.ADD, exponent, x, ROUND);
    floats.op(FloatOp.SUBTRACT, whole, exponent, ROUND);
    floats.op(FloatOp.SUBTRACT, x, x, whole);
    floats.shiftLeft(exponent, exponent, FRACTION_BITS);
    floats.move(sum, new Zmm(POLYNOMIAL));
    for (int i = 1; i < POWERS_OF_TWO.length; i++) {
      floats.op(FloatOp.MULTIPLY_AND_ADD, sum, x, new Zmm(POLYNOMIAL + i));
    }
    floats.op(FloatOp.ADD_INTEGERS, x, sum, exponent);
    floats.clearLess(x, whole, LEAST);
  }
}
