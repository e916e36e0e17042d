package io.github.vlm4j.backend.cpu.emitted;

import java.util.List;

/**
 * The code of matrix products in f32: the sums of {@value #ROWS} inputs and the outputs of a {@link
 * FloatTile} stay in registers while the inner dimension is walked. What compiled Java does with
 * such a tile, without what it does between two of them.
 */
final class FloatCode {

  /** Inputs of a tile. */
  static final int ROWS = 6;

  /** Inner steps of one turn of a loop. */
  private static final int STEPS = 4;

  /** What the rows of a tile are broadcast from. */
  private static final List<Gpr> ROW =
      List.of(Gpr.RAX, Gpr.RBX, Gpr.RBP, Gpr.R12, Gpr.R13, Gpr.R14);

  private final Assembler a;
  private final CallingConvention convention;
  private final FloatTile tile;
  private final FloatVectors floats;
  private final int vectorBytes;

  /** Creates what writes to an assembler. */
  FloatCode(Assembler assembler, CallingConvention convention, FloatTile tile) {
    this.a = assembler;
    this.convention = convention;
    this.tile = tile;
    this.floats = tile.floats().apply(assembler);
    this.vectorBytes = tile.lanes() * Float.BYTES;
  }

  /**
   * Writes the function that multiplies rows of inputs with one panel of weights. Its arguments:
   *
   * <ol start="0">
   *   <li>the inputs
   *   <li>where each row begins, as int in floats
   *   <li>the panel: for each input a row of weights, in whole vectors
   *   <li>what the sums begin with
   *   <li>the bytes from a row of that to the next, which may be 0
   *   <li>where the sums go
   *   <li>the bytes from a row of that to the next
   *   <li>the number of inputs, at least 1
   *   <li>the number of rows
   *   <li>the lanes of the last vector that are outputs, one bit each
   * </ol>
   *
   * @param vectors the vectors of outputs
   * @return where it begins
   */
  int multiply(int vectors) {
    return multiply(vectors, false, false);
  }

  /**
   * Writes the same function for whole vectors of outputs, which argument 9 says nothing about.
   * Storing some lanes of a vector takes processors with AVX2 as long as a dozen whole ones.
   */
  int multiplyWhole(int vectors) {
    return multiply(vectors, false, true);
  }

  /**
   * Writes the function for whole vectors and rows at even distances: argument 1 is the bytes from
   * one to the next.
   */
  int multiplyEven(int vectors) {
    return multiply(vectors, true, true);
  }

  private int multiply(int vectors, boolean even, boolean whole) {
    int at = a.position();
    Frame frame = new Frame(a, convention);
    a.mov(Gpr.RDI, frame.argument(0));
    a.mov(Gpr.RSI, frame.argument(1));
    a.mov(Gpr.R8, frame.argument(3));
    a.mov(Gpr.R9, frame.argument(4));
    a.mov(Gpr.R10, frame.argument(5));
    a.mov(Gpr.R11, frame.argument(6));
    a.mov(Gpr.R15, frame.argument(8));
    RowTiles.write(a, Gpr.R15, ROWS, rows -> tile(frame, rows, vectors, even, whole));
    frame.leave();
    return at;
  }

  /** Multiplies some rows and moves on behind them. */
  private void tile(Frame frame, int rows, int vectors, boolean evenRows, boolean whole) {
    a.mov(Gpr.RCX, frame.argument(7));
    for (int i = 0; i < rows; i++) {
      if (evenRows) {
        a.lea(ROW.get(i), Gpr.RDI.plus(Gpr.RCX, Float.BYTES));
        a.add(Gpr.RDI, Gpr.RSI);
      } else {
        a.movsxd(ROW.get(i), Gpr.RSI.at(Integer.BYTES * i));
        a.lea(ROW.get(i), Gpr.RDI.plus(ROW.get(i), Float.BYTES));
        a.lea(ROW.get(i), ROW.get(i).plus(Gpr.RCX, Float.BYTES));
      }
    }
    if (!evenRows) {
      a.add(Gpr.RSI, Integer.BYTES * rows);
    }
    int wholeVectors = whole ? vectors : vectors - 1;
    if (!whole) {
      chooseLanes(frame);
    }
    for (int i = 0; i < rows; i++) {
      for (int v = 0; v < wholeVectors; v++) {
        floats.load(sum(i, v), Gpr.R8.at(vectorBytes * v));
      }
      if (!whole) {
        floats.loadSome(sum(i, vectors - 1), Gpr.R8.at(vectorBytes * (vectors - 1)));
      }
      a.add(Gpr.R8, Gpr.R9);
    }
    a.mov(Gpr.RDX, frame.argument(2));
    a.neg(Gpr.RCX);
    Label odd = new Label();
    Label even = new Label();
    Label loop = new Label();
    Label done = new Label();
    a.place(odd);
    a.test(Gpr.RCX, STEPS - 1);
    a.jump(Condition.EQUAL, even);
    steps(1, rows, vectors);
    a.jump(odd);
    a.place(even);
    a.cmp(Gpr.RCX, 0);
    a.jump(Condition.EQUAL, done);
    a.place(loop);
    steps(STEPS, rows, vectors);
    a.jump(Condition.NOT_EQUAL, loop);
    a.place(done);
    if (!whole) {
      chooseLanes(frame);
    }
    for (int i = 0; i < rows; i++) {
      for (int v = 0; v < wholeVectors; v++) {
        floats.store(sum(i, v), Gpr.R10.at(vectorBytes * v));
      }
      if (!whole) {
        floats.storeSome(sum(i, vectors - 1), Gpr.R10.at(vectorBytes * (vectors - 1)));
      }
      a.add(Gpr.R10, Gpr.R11);
    }
  }

  /** Adds the products of some inputs; the flags say afterwards whether they were the last. */
  private void steps(int steps, int rows, int vectors) {
    for (int step = 0; step < steps; step++) {
      for (int v = 0; v < vectors; v++) {
        floats.load(weights(v), Gpr.RDX.at(vectorBytes * (vectors * step + v)));
      }
      for (int i = 0; i < rows; i++) {
        Zmm input = input(i);
        floats.broadcast(input, ROW.get(i).plus(Gpr.RCX, Float.BYTES).plus(Float.BYTES * step));
        for (int v = 0; v < vectors; v++) {
          floats.op(FloatOp.ADD_PRODUCT, sum(i, v), weights(v), input);
        }
      }
    }
    a.add(Gpr.RDX, vectorBytes * vectors * steps);
    a.add(Gpr.RCX, steps);
  }

  private void chooseLanes(Frame frame) {
    a.mov(Gpr.RDX, frame.argument(9));
    floats.choose(Gpr.RDX, weights(0));
  }

  private Zmm sum(int row, int vector) {
    return new Zmm(tile.vectors() * row + vector);
  }

  private Zmm weights(int vector) {
    return new Zmm(tile.vectors() * ROWS + vector);
  }

  private Zmm input(int row) {
    return new Zmm(tile.vectors() * (ROWS + 1) + row % 2);
  }
}
