package io.github.vlm4j.backend.cpu.emitted;

import java.util.List;

/**
 * The code of matrix products of bytes. Numbers come in blocks of {@value #BLOCK} with a scale of
 * f32, as in ggml's Q8_0: {@code vpdpbusd} adds four products of an unsigned and a signed byte to a
 * sum of 32 bits, and after each block the sum is multiplied with both scales and added to a sum in
 * f32. Weights are stored with 128 added, which makes them unsigned; what that adds to a block's
 * sum is known from the inputs alone and is where the sum begins.
 */
final class Int8Code {

  /** Inputs of a tile; with four vectors of outputs there are twelve sums of each kind. */
  static final int ROWS = 3;

  /** Numbers that share a scale. */
  static final int BLOCK = 32;

  /** The bytes of a block of an input: the numbers, the scale, and -128 times their sum. */
  static final int INPUT_BYTES = BLOCK + Float.BYTES + Integer.BYTES;

  /** The bytes of a block of a panel: weights in fours, then scales. */
  static final int PANEL_BYTES = (BLOCK / 4 + 1) * Bf16Code.WIDTH * Float.BYTES;

  private static final int VECTORS = Bf16Code.VECTORS;
  private static final int LANES = Bf16Code.LANES;
  private static final int VECTOR_BYTES = 64;
  private static final int ROW_BYTES = Bf16Code.WIDTH * Float.BYTES;
  private static final int FOURS = BLOCK / 4;

  /** The greatest number of a block becomes this. */
  private static final float GREATEST = 127;

  /** In a block of zeros the greatest number is taken to be this. */
  private static final float LEAST = 1e-30f;

  private static final Mask SOME = new Mask(1);
  private static final List<Gpr> ROW = List.of(Gpr.RAX, Gpr.RBX, Gpr.RBP);

  private final Assembler a;
  private final CallingConvention convention;

  /** Creates what writes to an assembler. */
  Int8Code(Assembler assembler, CallingConvention convention) {
    this.a = assembler;
    this.convention = convention;
  }

  /**
   * Writes the function that multiplies rows of inputs with one panel of weights. Its arguments:
   *
   * <ol start="0">
   *   <li>the inputs in blocks of {@link #INPUT_BYTES}
   *   <li>where each row begins, as int in bytes
   *   <li>the panel, in blocks of {@link #PANEL_BYTES}
   *   <li>what the sums begin with, f32
   *   <li>the bytes from a row of that to the next, which may be 0
   *   <li>where the sums go, f32
   *   <li>the bytes from a row of that to the next
   *   <li>the number of blocks, at least 1
   *   <li>the number of rows
   *   <li>the lanes of the last vector that are outputs, one bit each
   * </ol>
   *
   * @param vectors the vectors of outputs
   * @return where it begins
   */
  int multiply(int vectors) {
    int at = a.position();
    Frame frame = new Frame(a, convention);
    a.mov(Gpr.RDI, frame.argument(0));
    a.mov(Gpr.RSI, frame.argument(1));
    a.mov(Gpr.R8, frame.argument(3));
    a.mov(Gpr.R9, frame.argument(4));
    a.mov(Gpr.R10, frame.argument(5));
    a.mov(Gpr.R11, frame.argument(6));
    a.mov(Gpr.RAX, frame.argument(9));
    a.kmovq(SOME, Gpr.RAX);
    a.mov(Gpr.R15, frame.argument(8));
    RowTiles.write(a, Gpr.R15, ROWS, rows -> tile(frame, rows, vectors));
    frame.leave();
    return at;
  }

  /** Multiplies some rows and moves on behind them. */
  private void tile(Frame frame, int rows, int vectors) {
    for (int i = 0; i < rows; i++) {
      a.movsxd(ROW.get(i), Gpr.RSI.at(Integer.BYTES * i));
      a.add(ROW.get(i), Gpr.RDI);
    }
    a.add(Gpr.RSI, Integer.BYTES * rows);
    for (int i = 0; i < rows; i++) {
      for (int v = 0; v < vectors; v++) {
        a.op(Evex.VMOVUPS, sum(i, v), Gpr.R8.at(VECTOR_BYTES * v), lanes(v, vectors));
      }
      a.add(Gpr.R8, Gpr.R9);
    }
    a.mov(Gpr.RDX, frame.argument(2));
    a.mov(Gpr.RCX, frame.argument(7));
    Label loop = new Label();
    a.place(loop);
    for (int i = 0; i < rows; i++) {
      for (int v = 0; v < vectors; v++) {
        a.op(Evex.VPBROADCASTD, whole(i, v), ROW.get(i).at(BLOCK + Float.BYTES));
      }
    }
    for (int four = 0; four < FOURS; four++) {
      for (int v = 0; v < vectors; v++) {
        a.op(Evex.VMOVUPS, weights(v), Gpr.RDX.at(ROW_BYTES * four + VECTOR_BYTES * v));
      }
      for (int i = 0; i < rows; i++) {
        a.op(Evex.VPBROADCASTD, input(i), ROW.get(i).at(4 * four));
        for (int v = 0; v < vectors; v++) {
          a.op(Evex.VPDPBUSD, whole(i, v), weights(v), input(i));
        }
      }
    }
    for (int v = 0; v < vectors; v++) {
      a.op(Evex.VMOVUPS, weights(v), Gpr.RDX.at(ROW_BYTES * FOURS + VECTOR_BYTES * v));
    }
    for (int i = 0; i < rows; i++) {
      for (int v = 0; v < vectors; v++) {
        a.op(Evex.VCVTDQ2PS, whole(i, v), whole(i, v));
        a.op(Evex.VMULPS, whole(i, v), whole(i, v), weights(v));
        a.broadcast(Evex.VFMADD231PS, sum(i, v), whole(i, v), ROW.get(i).at(BLOCK));
      }
      a.add(ROW.get(i), INPUT_BYTES);
    }
    a.add(Gpr.RDX, PANEL_BYTES);
    a.sub(Gpr.RCX, 1);
    a.jump(Condition.NOT_EQUAL, loop);
    for (int i = 0; i < rows; i++) {
      for (int v = 0; v < vectors; v++) {
        a.op(Evex.VMOVUPS_STORE, sum(i, v), Gpr.R10.at(VECTOR_BYTES * v), lanes(v, vectors));
      }
      a.add(Gpr.R10, Gpr.R11);
    }
  }

  private static Mask lanes(int vector, int vectors) {
    return vector == vectors - 1 ? SOME : Mask.ALL;
  }

  private static Zmm sum(int row, int vector) {
    return new Zmm(VECTORS * row + vector);
  }

  private static Zmm whole(int row, int vector) {
    return new Zmm(VECTORS * (ROWS + row) + vector);
  }

  private static Zmm weights(int vector) {
    return new Zmm(2 * VECTORS * ROWS + vector);
  }

  private static Zmm input(int row) {
    return new Zmm(VECTORS * (2 * ROWS + 1) + row);
  }

  /**
   * Writes the function that quantises rows. Its arguments:
   *
   * <ol start="0">
   *   <li>the rows in f32
   *   <li>the bytes from one to the next
   *   <li>where their blocks of {@link #INPUT_BYTES} go
   *   <li>the bytes from one row of them to the next
   *   <li>the blocks of a row, at least 1
   *   <li>the number of rows, at least 1
   * </ol>
   *
   * @return where it begins
   */
  int quantise() {
    int at = a.position();
    Frame frame = new Frame(a, convention);
    Zmm size = new Zmm(16);
    Zmm least = new Zmm(17);
    Zmm greatest = new Zmm(18);
    Zmm low = new Zmm(0);
    Zmm high = new Zmm(1);
    Zmm scale = new Zmm(2);
    Zmm factor = new Zmm(3);
    Zmm total = new Zmm(4);
    Lanes.set(a, size, Integer.MAX_VALUE);
    Lanes.set(a, least, LEAST);
    Lanes.set(a, greatest, GREATEST);
    a.mov(Gpr.RAX, 1);
    a.kmovq(SOME, Gpr.RAX);
    a.mov(Gpr.RDI, frame.argument(0));
    a.mov(Gpr.R8, frame.argument(1));
    a.mov(Gpr.RSI, frame.argument(2));
    a.mov(Gpr.R9, frame.argument(3));
    a.mov(Gpr.R10, frame.argument(4));
    a.mov(Gpr.R11, frame.argument(5));
    Label row = new Label();
    Label block = new Label();
    a.place(row);
    a.mov(Gpr.RAX, Gpr.RDI);
    a.mov(Gpr.RDX, Gpr.RSI);
    a.mov(Gpr.RCX, Gpr.R10);
    a.place(block);
    a.op(Evex.VMOVUPS, low, Gpr.RAX.at());
    a.op(Evex.VMOVUPS, high, Gpr.RAX.at(VECTOR_BYTES));
    a.op(Evex.VPANDD, scale, low, size);
    a.op(Evex.VPANDD, factor, high, size);
    // Without their signs, floats are ordered as whole numbers are, and NaN is above all.
    a.op(Evex.VPMAXSD, scale, scale, factor);
    Reduction.write(a, Evex.VPMAXSD, scale, new Zmm(5));
    a.op(Evex.VMAXPS, scale, least, scale);
    a.op(Evex.VDIVPS, factor, greatest, scale);
    a.op(Evex.VDIVPS, scale, scale, greatest);
    a.op(Evex.VMULPS, low, low, factor);
    a.op(Evex.VMULPS, high, high, factor);
    a.op(Evex.VCVTPS2DQ, low, low);
    a.op(Evex.VCVTPS2DQ, high, high);
    a.op(Evex.VPADDD, total, low, high);
    a.op(Evex.VPMOVSDB_STORE, low, Gpr.RDX.at());
    a.op(Evex.VPMOVSDB_STORE, high, Gpr.RDX.at(LANES));
    Reduction.write(a, Evex.VPADDD, total, new Zmm(5));
    a.op(Evex.VPXORD, low, low, low);
    a.op(Evex.VPSUBD, total, low, total);
    a.shift(Evex.VPSLLD, total, total, 7);
    a.op(Evex.VMOVUPS_STORE, scale, Gpr.RDX.at(BLOCK), SOME);
    a.op(Evex.VMOVUPS_STORE, total, Gpr.RDX.at(BLOCK + Float.BYTES), SOME);
    a.add(Gpr.RAX, BLOCK * Float.BYTES);
    a.add(Gpr.RDX, INPUT_BYTES);
    a.sub(Gpr.RCX, 1);
    a.jump(Condition.NOT_EQUAL, block);
    a.add(Gpr.RDI, Gpr.R8);
    a.add(Gpr.RSI, Gpr.R9);
    a.sub(Gpr.R11, 1);
    a.jump(Condition.NOT_EQUAL, row);
    frame.leave();
    return at;
  }

  /**
   * Writes the function that lays the quantised weights of {@link Bf16Code#LANES} outputs out as a
   * part of a panel. Its arguments:
   *
   * <ol start="0">
   *   <li>the weights, a row for each output of blocks of {@link #INPUT_BYTES}, and up to 24 bytes
   *       of anything
   *   <li>the bytes from a row to the next
   *   <li>where the panel's first block goes
   *   <li>the number of blocks, at least 1
   * </ol>
   *
   * @return where it begins
   */
  int pack() {
    int at = a.position();
    Frame frame = new Frame(a, convention);
    Zmm sign = new Zmm(16);
    List<Gpr> fours = List.of(Gpr.R8, Gpr.R9, Gpr.R10, Gpr.R11);
    a.mov(Gpr.R8, frame.argument(0));
    a.mov(Gpr.RSI, frame.argument(1));
    a.mov(Gpr.RDX, frame.argument(2));
    a.mov(Gpr.RCX, frame.argument(3));
    a.lea(Gpr.RDI, Gpr.RSI.plus(Gpr.RSI, 2));
    for (int i = 1; i < fours.size(); i++) {
      a.lea(fours.get(i), fours.get(i - 1).plus(Gpr.RSI, 4));
    }
    Label loop = new Label();
    a.place(loop);
    for (int i = 0; i < fours.size(); i++) {
      Gpr four = fours.get(i);
      a.op(Evex.VMOVUPS, new Zmm(4 * i), four.at());
      a.op(Evex.VMOVUPS, new Zmm(4 * i + 1), four.plus(Gpr.RSI, 1));
      a.op(Evex.VMOVUPS, new Zmm(4 * i + 2), four.plus(Gpr.RSI, 2));
      a.op(Evex.VMOVUPS, new Zmm(4 * i + 3), four.plus(Gpr.RDI, 1));
      a.add(four, INPUT_BYTES);
    }
    Transposition.write(a);
    Lanes.set(a, sign, 0x80808080);
    for (int i = 0; i <= FOURS; i++) {
      if (i < FOURS) {
        // Adding 128 turns the highest bit over.
        a.op(Evex.VPXORD, new Zmm(i), new Zmm(i), sign);
      }
      a.op(Evex.VMOVUPS_STORE, new Zmm(i), Gpr.RDX.at(ROW_BYTES * i));
    }
    a.add(Gpr.RDX, PANEL_BYTES);
    a.sub(Gpr.RCX, 1);
    a.jump(Condition.NOT_EQUAL, loop);
    frame.leave();
    return at;
  }
}
