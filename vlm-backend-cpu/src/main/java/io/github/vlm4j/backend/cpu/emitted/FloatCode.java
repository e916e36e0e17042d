package io.github.vlm4j.backend.cpu.emitted;

import java.util.List;

/**
 * The code of matrix products in f32 for 16 vector registers of 256 bits: {@value #ROWS} inputs by
 * two vectors of outputs stay in registers while the inner dimension is walked. What compiled Java
 * does with the same tile, without what it does between two tiles.
 */
final class FloatCode {

  /** Inputs of a tile: with two vectors of outputs, 12 sums hide the latency of four cycles. */
  static final int ROWS = 6;

  /** Vectors of outputs of a tile, at most. */
  static final int VECTORS = 2;

  /** Floats of a vector. */
  static final int LANES = 8;

  private static final int VECTOR_BYTES = LANES * Float.BYTES;

  /** Inner steps of one turn of a loop. */
  private static final int STEPS = 4;

  private static final long LANE_NUMBERS = 0x07_06_05_04_03_02_01_00L;

  /** What the rows of a tile are broadcast from. */
  private static final List<Gpr> ROW =
      List.of(Gpr.RAX, Gpr.RBX, Gpr.RBP, Gpr.R12, Gpr.R13, Gpr.R14);

  /** Which lanes of the last vector are outputs; made anew where a loop has used the register. */
  private static final Zmm SOME = new Zmm(15);

  private final Assembler a;
  private final CallingConvention convention;

  /** Creates what writes to an assembler. */
  FloatCode(Assembler assembler, CallingConvention convention) {
    this.a = assembler;
    this.convention = convention;
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
   *   <li>the lanes of the last vector that are outputs, at least 1
   *   <li>anything; overwritten
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
    a.mov(Gpr.RAX, LANE_NUMBERS);
    a.mov(frame.argument(10), Gpr.RAX);
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
      someLanes(frame);
    }
    for (int i = 0; i < rows; i++) {
      for (int v = 0; v < wholeVectors; v++) {
        a.op(Vex.VMOVUPS, sum(i, v), Gpr.R8.at(VECTOR_BYTES * v));
      }
      if (!whole) {
        a.op(Vex.VMASKMOVPS, sum(i, vectors - 1), SOME, Gpr.R8.at(VECTOR_BYTES * (vectors - 1)));
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
      someLanes(frame);
    }
    for (int i = 0; i < rows; i++) {
      for (int v = 0; v < wholeVectors; v++) {
        a.op(Vex.VMOVUPS_STORE, sum(i, v), Gpr.R10.at(VECTOR_BYTES * v));
      }
      if (!whole) {
        a.op(
            Vex.VMASKMOVPS_STORE,
            sum(i, vectors - 1),
            SOME,
            Gpr.R10.at(VECTOR_BYTES * (vectors - 1)));
      }
      a.add(Gpr.R10, Gpr.R11);
    }
  }

  /** Adds the products of some inputs; the flags say afterwards whether they were the last. */
  private void steps(int steps, int rows, int vectors) {
    for (int step = 0; step < steps; step++) {
      for (int v = 0; v < vectors; v++) {
        a.op(Vex.VMOVUPS, weights(v), Gpr.RDX.at(VECTOR_BYTES * (vectors * step + v)));
      }
      for (int i = 0; i < rows; i++) {
        Zmm input = input(i);
        a.op(
            Vex.VBROADCASTSS,
            input,
            ROW.get(i).plus(Gpr.RCX, Float.BYTES).plus(Float.BYTES * step));
        for (int v = 0; v < vectors; v++) {
          a.op(Vex.VFMADD231PS, sum(i, v), weights(v), input);
        }
      }
    }
    a.add(Gpr.RDX, VECTOR_BYTES * vectors * steps);
    a.add(Gpr.RCX, steps);
  }

  private void someLanes(Frame frame) {
    Zmm numbers = weights(0);
    a.op(Vex.VPMOVZXBD, numbers, frame.argument(10));
    a.op(Vex.VPBROADCASTD, SOME, frame.argument(9));
    a.op(Vex.VPCMPGTD, SOME, SOME, numbers);
  }

  private static Zmm sum(int row, int vector) {
    return new Zmm(VECTORS * row + vector);
  }

  private static Zmm weights(int vector) {
    return new Zmm(VECTORS * ROWS + vector);
  }

  private static Zmm input(int row) {
    return new Zmm(VECTORS * (ROWS + 1) + row % 2);
  }
}
