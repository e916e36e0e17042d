package io.github.vlm4j.backend.cpu.emitted;

/**
 * The code of matrix products of whole numbers of 16 bits, for processors with AVX2. Numbers come
 * in blocks of {@value #BLOCK} with a scale of f32: {@code vpmaddwd} adds neighbouring products to
 * 32 bits, twice as many as a fused multiply-add of f32 has in a vector of the same size. After
 * each block its sum is multiplied with both scales and added to a sum in f32. Inputs are at most
 * {@link #GREATEST_INPUT}, weights {@link #GREATEST_WEIGHT}, so that a block's sum fits 31 bits.
 */
final class WordCode {

  /** Inputs of a tile: with two vectors of outputs, twelve sums. */
  static final int ROWS = 6;

  /** Numbers that share a scale. */
  static final int BLOCK = 64;

  /** The greatest input of a block becomes this, or minus this. */
  static final int GREATEST_INPUT = 8191;

  /** The greatest weight of a block becomes this, or minus this. */
  static final int GREATEST_WEIGHT = 4095;

  /** The floats of a block of a row: numbers in pairs, then the scale. */
  static final int ROW_FLOATS = BLOCK / 2 + 1;

  /** The outputs of a panel, of which one vector has {@value #LANES}. */
  static final int WIDTH = 16;

  static final int LANES = 8;

  private static final int VECTOR_BYTES = 32;
  private static final int VECTORS = WIDTH / LANES;
  private static final int PANEL_ROW_BYTES = VECTORS * VECTOR_BYTES;
  private static final int ROW_BYTES = ROW_FLOATS * Float.BYTES;
  private static final int PAIRS = BLOCK / 2;

  /** Pairs of one turn of a loop. */
  private static final int STEPS = 8;

  /**
   * No block's greatest number is taken to be less: the number of steps over it is still finite.
   */
  private static final float LEAST = 2.5e-35f;

  private static final long LANE_NUMBERS = 0x07_06_05_04_03_02_01_00L;

  /** Where on the stack, behind the sums in f32, the lanes of the last vector are marked. */
  private static final int MARKED = ROWS * VECTORS * VECTOR_BYTES;

  private static final int STACK_BYTES = MARKED + 2 * VECTOR_BYTES;

  private static final Zmm SOME = v(15);
  private static final Zmm PRODUCTS = v(15);
  private static final Zmm SCALE = v(15);
  private static final Zmm INPUT = v(14);

  // What rounding keeps.
  private static final Zmm SIZE = v(15);
  private static final Zmm LEAST_SIZE = v(14);
  private static final Zmm GREATEST = v(13);
  private static final Zmm NUMBERS = v(12);
  private static final Zmm LANE_COUNT = v(11);

  private final Assembler a;
  private final CallingConvention convention;

  /** Creates what writes to an assembler. */
  WordCode(Assembler assembler, CallingConvention convention) {
    this.a = assembler;
    this.convention = convention;
  }

  private static Zmm v(int number) {
    return new Zmm(number);
  }

  private static Zmm sum(int row, int vector) {
    return v(VECTORS * row + vector);
  }

  private static Zmm weights(int vector) {
    return v(VECTORS * ROWS + vector);
  }

  /**
   * Writes the function that multiplies rows of inputs with one panel of weights. Its arguments:
   *
   * <ol start="0">
   *   <li>the inputs in tiles of {@value #ROWS} rows: their first blocks, of {@link #ROW_FLOATS},
   *       one after the other, then their second blocks, and so on
   *   <li>the bytes from a tile to the next
   *   <li>the panel: rows of {@link #WIDTH}, as many for each block as an input has floats there
   *   <li>what the sums begin with, f32
   *   <li>the bytes from a row of that to the next, which may be 0
   *   <li>where the sums go, f32
   *   <li>the bytes from a row of that to the next
   *   <li>the number of blocks, at least 1
   *   <li>the number of rows
   *   <li>the lanes of the last vector that are outputs, at least 1
   * </ol>
   *
   * @param vectors the vectors of outputs
   * @param partial whether the last of them has fewer outputs than lanes
   * @return where it begins
   */
  int multiply(int vectors, boolean partial) {
    int at = a.position();
    Frame frame = new Frame(a, convention);
    a.mov(Gpr.RDI, frame.argument(0));
    a.mov(Gpr.RSI, frame.argument(1));
    a.mov(Gpr.R13, frame.argument(2));
    a.mov(Gpr.R8, frame.argument(3));
    a.mov(Gpr.R9, frame.argument(4));
    a.mov(Gpr.R10, frame.argument(5));
    a.mov(Gpr.R11, frame.argument(6));
    a.mov(Gpr.RBP, frame.argument(7));
    a.mov(Gpr.R15, frame.argument(8));
    a.op(Vex.VPBROADCASTD, SOME, frame.argument(9));
    a.mov(Gpr.R12, Gpr.RSP);
    a.sub(Gpr.RSP, STACK_BYTES);
    a.and(Gpr.RSP, -VECTOR_BYTES);
    laneNumbers(INPUT, Gpr.RSP.at(MARKED));
    a.op(Vex.VPCMPGTD, SOME, SOME, INPUT);
    a.op(Vex.VMOVUPS_STORE, SOME, Gpr.RSP.at(MARKED));
    RowTiles.write(a, Gpr.R15, ROWS, rows -> tile(rows, vectors, partial));
    a.mov(Gpr.RSP, Gpr.R12);
    frame.leave();
    return at;
  }

  /** Sets each lane to its number, by way of memory. */
  private void laneNumbers(Zmm to, Mem between) {
    a.mov(Gpr.RAX, LANE_NUMBERS);
    a.mov(between, Gpr.RAX);
    a.op(Vex.VPMOVZXBD, to, between);
  }

  /** Multiplies some rows and moves on behind them. */
  private void tile(int rows, int vectors, boolean partial) {
    if (partial) {
      a.op(Vex.VMOVUPS, SOME, Gpr.RSP.at(MARKED));
    }
    for (int i = 0; i < rows; i++) {
      for (int v = 0; v < vectors; v++) {
        if (v < vectors - 1 || !partial) {
          a.op(Vex.VMOVUPS, sum(i, v), Gpr.R8.at(VECTOR_BYTES * v));
        } else {
          a.op(Vex.VMASKMOVPS, sum(i, v), SOME, Gpr.R8.at(VECTOR_BYTES * v));
        }
        a.op(Vex.VMOVUPS_STORE, sum(i, v), kept(i, v));
      }
      a.add(Gpr.R8, Gpr.R9);
    }
    a.mov(Gpr.RAX, Gpr.RDI);
    a.add(Gpr.RDI, Gpr.RSI);
    a.mov(Gpr.RDX, Gpr.R13);
    a.mov(Gpr.RCX, Gpr.RBP);
    Label block = new Label();
    Label pairs = new Label();
    a.place(block);
    for (int i = 0; i < rows; i++) {
      for (int v = 0; v < vectors; v++) {
        a.op(Vex.VPXOR, sum(i, v), sum(i, v), sum(i, v));
      }
    }
    a.mov(Gpr.R14, PAIRS / STEPS);
    a.place(pairs);
    for (int step = 0; step < STEPS; step++) {
      loadWeights(step, vectors);
      for (int i = 0; i < rows; i++) {
        a.op(Vex.VPBROADCASTD, INPUT, input(i, step));
        for (int v = 0; v < vectors; v++) {
          a.op(Vex.VPMADDWD, PRODUCTS, INPUT, weights(v));
          a.op(Vex.VPADDD, sum(i, v), sum(i, v), PRODUCTS);
        }
      }
    }
    advance(STEPS);
    a.sub(Gpr.R14, 1);
    a.jump(Condition.NOT_EQUAL, pairs);
    loadWeights(0, vectors);
    for (int i = 0; i < rows; i++) {
      a.op(Vex.VBROADCASTSS, INPUT, input(i, 0));
      for (int v = 0; v < vectors; v++) {
        a.op(Vex.VCVTDQ2PS, sum(i, v), sum(i, v));
        // The scales first: the sum times one of them may be too large for f32.
        a.op(Vex.VMULPS, SCALE, INPUT, weights(v));
        a.op(Vex.VFMADD213PS, sum(i, v), SCALE, kept(i, v));
        a.op(Vex.VMOVUPS_STORE, sum(i, v), kept(i, v));
      }
    }
    advance(1);
    a.add(Gpr.RAX, ROW_BYTES * (ROWS - 1));
    a.sub(Gpr.RCX, 1);
    a.jump(Condition.NOT_EQUAL, block);
    if (partial) {
      a.op(Vex.VMOVUPS, SOME, Gpr.RSP.at(MARKED));
    }
    for (int i = 0; i < rows; i++) {
      for (int v = 0; v < vectors; v++) {
        if (v < vectors - 1 || !partial) {
          a.op(Vex.VMOVUPS_STORE, sum(i, v), Gpr.R10.at(VECTOR_BYTES * v));
        } else {
          a.op(Vex.VMASKMOVPS_STORE, sum(i, v), SOME, Gpr.R10.at(VECTOR_BYTES * v));
        }
      }
      a.add(Gpr.R10, Gpr.R11);
    }
  }

  private void loadWeights(int panelRow, int vectors) {
    for (int v = 0; v < vectors; v++) {
      a.op(Vex.VMOVUPS, weights(v), Gpr.RDX.at(PANEL_ROW_BYTES * panelRow + VECTOR_BYTES * v));
    }
  }

  /** Moves on by some rows of the panel, and as many floats of the inputs. */
  private void advance(int panelRows) {
    a.add(Gpr.RDX, PANEL_ROW_BYTES * panelRows);
    a.add(Gpr.RAX, Float.BYTES * panelRows);
  }

  private static Mem input(int row, int index) {
    return Gpr.RAX.at(ROW_BYTES * row + Float.BYTES * index);
  }

  /** Returns where a sum in f32 is while a block is multiplied. */
  private static Mem kept(int row, int vector) {
    return Gpr.RSP.at(VECTOR_BYTES * (VECTORS * row + vector));
  }

  /**
   * Writes the function that rounds rows of f32. Its arguments:
   *
   * <ol start="0">
   *   <li>the rows
   *   <li>the bytes from one to the next
   *   <li>where their blocks of {@link #ROW_FLOATS} go
   *   <li>the bytes from one row of them to the next
   *   <li>the bytes from one block of a row to the next
   *   <li>the blocks of a row, at least 1
   *   <li>the numbers of the last block that there are, at least 1; the others become 0
   *   <li>the number of rows, at least 1
   *   <li>what the greatest number of a block becomes, f32
   * </ol>
   *
   * <p>Within each 16, numbers change their order in pairs, which a product of two such rows does
   * not notice.
   *
   * @return where it begins
   */
  int round() {
    return round(Float.BYTES);
  }

  /** Writes the same function for rows of bf16, which end with a whole block. */
  int roundBf16() {
    return round(Short.BYTES);
  }

  private int round(int bytes) {
    int at = a.position();
    Frame frame = new Frame(a, convention);
    constant(SIZE, Integer.MAX_VALUE);
    constant(LEAST_SIZE, Float.floatToRawIntBits(LEAST));
    constant(LANE_COUNT, LANES);
    a.op(Vex.VBROADCASTSS, GREATEST, frame.argument(8));
    laneNumbers(NUMBERS, frame.argument(8));
    a.mov(Gpr.RDI, frame.argument(0));
    a.mov(Gpr.R8, frame.argument(1));
    a.mov(Gpr.RSI, frame.argument(2));
    a.mov(Gpr.R9, frame.argument(3));
    a.mov(Gpr.RBX, frame.argument(4));
    a.mov(Gpr.R10, frame.argument(5));
    a.mov(Gpr.R14, frame.argument(6));
    a.mov(Gpr.R11, frame.argument(7));
    Label row = new Label();
    Label block = new Label();
    Label last = new Label();
    Label partial = new Label();
    Label next = new Label();
    a.place(row);
    a.mov(Gpr.RAX, Gpr.RDI);
    a.mov(Gpr.RDX, Gpr.RSI);
    a.mov(Gpr.RCX, Gpr.R10);
    a.place(block);
    a.cmp(Gpr.RCX, 1);
    a.jump(Condition.EQUAL, last);
    wholeBlock(bytes);
    a.sub(Gpr.RCX, 1);
    a.jump(block);
    a.place(last);
    if (bytes == Float.BYTES) {
      a.cmp(Gpr.R14, BLOCK);
      a.jump(Condition.NOT_EQUAL, partial);
    }
    wholeBlock(bytes);
    a.jump(next);
    a.place(partial);
    partialBlock();
    a.place(next);
    a.add(Gpr.RDI, Gpr.R8);
    a.add(Gpr.RSI, Gpr.R9);
    a.sub(Gpr.R11, 1);
    a.jump(Condition.NOT_EQUAL, row);
    frame.leave();
    return at;
  }

  private void wholeBlock(int bytes) {
    for (int i = 0; i < BLOCK / LANES; i++) {
      if (bytes == Float.BYTES) {
        a.op(Vex.VMOVUPS, v(i), Gpr.RAX.at(VECTOR_BYTES * i));
      } else {
        a.op(Vex.VPMOVZXWD, v(i), Gpr.RAX.at(VECTOR_BYTES / 2 * i));
        a.shift(Vex.VPSLLD, v(i), v(i), Short.SIZE);
      }
    }
    roundBlock();
    a.add(Gpr.RAX, BLOCK * bytes);
    a.add(Gpr.RDX, Gpr.RBX);
  }

  private void partialBlock() {
    Zmm left = v(8);
    Zmm there = v(9);
    a.broadcast256(left, Gpr.R14);
    for (int i = 0; i < BLOCK / LANES; i++) {
      a.op(Vex.VPCMPGTD, there, left, NUMBERS);
      a.op(Vex.VMASKMOVPS, v(i), there, Gpr.RAX.at(VECTOR_BYTES * i));
      a.op(Vex.VPSUBD, left, left, LANE_COUNT);
    }
    roundBlock();
  }

  /** Rounds the numbers of the first registers. */
  private void roundBlock() {
    Zmm scale = v(8);
    Zmm factor = v(9);
    // Without their signs, floats are ordered as whole numbers are, and NaN is above all.
    a.op(Vex.VPAND, scale, v(0), SIZE);
    for (int i = 1; i < BLOCK / LANES; i++) {
      a.op(Vex.VPAND, factor, v(i), SIZE);
      a.op(Vex.VPMAXSD, scale, scale, factor);
    }
    Reduction.write(a, Vex.VPMAXSD, scale, factor);
    a.op(Vex.VMAXPS, scale, LEAST_SIZE, scale);
    a.op(Vex.VDIVPS, factor, GREATEST, scale);
    a.op(Vex.VDIVPS, scale, scale, GREATEST);
    for (int i = 0; i < BLOCK / LANES; i++) {
      a.op(Vex.VMULPS, v(i), v(i), factor);
      a.op(Vex.VCVTPS2DQ, v(i), v(i));
    }
    for (int i = 0; i < BLOCK / LANES; i += 2) {
      a.op(Vex.VPACKSSDW, v(i), v(i), v(i + 1));
      a.op(Vex.VMOVUPS_STORE, v(i), Gpr.RDX.at(VECTOR_BYTES / 2 * i));
    }
    a.op(Vex.VMOVSS_STORE, scale, Gpr.RDX.at(Short.BYTES * BLOCK));
  }

  private void constant(Zmm to, int bits) {
    a.mov(Gpr.RAX, Integer.toUnsignedLong(bits));
    a.broadcast256(to, Gpr.RAX);
  }
}
