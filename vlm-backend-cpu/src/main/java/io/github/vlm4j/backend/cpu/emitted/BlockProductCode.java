package io.github.vlm4j.backend.cpu.emitted;

/**
 * The code of matrix products of whole numbers that come in blocks with a scale, for processors
 * with AVX2. After each block its sum is scaled and added to a sum in f32; these wait on the stack
 * meanwhile, as all registers are needed for those of the block.
 */
final class BlockProductCode {

  /** Inputs of a tile: with two vectors of outputs, twelve sums. */
  static final int ROWS = 6;

  /** The outputs of a panel, of which one vector has {@value #LANES}. */
  static final int WIDTH = 16;

  static final int LANES = 8;

  private static final int VECTOR_BYTES = 32;
  private static final int VECTORS = WIDTH / LANES;
  private static final int PANEL_ROW_BYTES = VECTORS * VECTOR_BYTES;

  /** Where on the stack, behind the sums in f32, the lanes of the last vector are marked. */
  private static final int MARKED = ROWS * VECTORS * VECTOR_BYTES;

  private static final int LOCALS = MARKED + VECTOR_BYTES;
  private static final int STACK_BYTES = LOCALS + 7 * Long.BYTES;

  // What is needed again for the next panel.
  private static final Mem INPUTS = local(0);
  private static final Mem PANELS_APART = local(1);
  private static final Mem FIRST = local(2);
  private static final Mem FIRST_APART = local(3);
  private static final Mem SUMS = local(4);
  private static final Mem ALL_ROWS = local(5);
  private static final Mem PANELS_LEFT = local(6);

  private static final Zmm SOME = new Zmm(15);

  private static final Zmm PRODUCTS = new Zmm(15);

  /** The vector for what is multiplied with several vectors of weights. */
  static final Zmm INPUT = new Zmm(14);

  /** What blocks are. */
  interface Block {

    /** Returns the floats that a block of a row takes. */
    int floats();

    /** Writes what sets rbx, if all blocks need something there. */
    default void begin() {}

    /**
     * Writes what multiplies a block of some rows with one of a panel and adds the result to the
     * sums that are kept. Vectors are free to use, as is r14; rax and rdx move behind the block.
     */
    void multiply(BlockProductCode code, int rows, int vectors);
  }

  private final Assembler a;
  private final CallingConvention convention;
  private final Block block;
  private final int rowBytes;

  /** Creates what writes to an assembler. */
  BlockProductCode(Assembler assembler, CallingConvention convention, Block block) {
    this.a = assembler;
    this.convention = convention;
    this.block = block;
    this.rowBytes = block.floats() * Float.BYTES;
  }

  private static Mem local(int index) {
    return Gpr.RSP.at(LOCALS + Long.BYTES * index);
  }

  /** Returns the vector for a sum within a block. */
  static Zmm sum(int row, int vector) {
    return new Zmm(VECTORS * row + vector);
  }

  /** Returns the vector for what {@link #loadWeights} loads. */
  static Zmm weights(int vector) {
    return new Zmm(VECTORS * ROWS + vector);
  }

  /**
   * Returns the vector for what an input gives with a vector of weights: of the last of them, in
   * the place of the input.
   */
  static Zmm product(int vector, int vectors) {
    return vector == vectors - 1 ? INPUT : PRODUCTS;
  }

  /** Returns where a sum in f32 is while a block is multiplied. */
  private static Mem kept(int row, int vector) {
    return Gpr.RSP.at(VECTOR_BYTES * (VECTORS * row + vector));
  }

  /** Writes what loads a row of the panel, counted from where rdx points. */
  void loadWeights(int panelRow, int vectors) {
    for (int v = 0; v < vectors; v++) {
      a.op(Vex.VMOVUPS, weights(v), Gpr.RDX.at(PANEL_ROW_BYTES * panelRow + VECTOR_BYTES * v));
    }
  }

  /** Returns where a float of a row's block is, counted from where rax points. */
  Mem input(int row, int index) {
    return Gpr.RAX.at(rowBytes * row + Float.BYTES * index);
  }

  /** Writes what moves on by some rows of the panel, and as many floats of the inputs. */
  void advance(int panelRows) {
    a.add(Gpr.RDX, PANEL_ROW_BYTES * panelRows);
    a.add(Gpr.RAX, Float.BYTES * panelRows);
  }

  /** Writes what moves on behind a block, of whose rows some have been passed. */
  void leaveBlock(int panelRows) {
    advance(block.floats() - panelRows);
    a.add(Gpr.RAX, rowBytes * (ROWS - 1));
  }

  /**
   * Writes what scales the sums of a block and adds them to those in f32, whose registers they take
   * then.
   *
   * @param index which floats of the inputs, and rows of the panel, are scales
   */
  void scale(int index, int rows, int vectors) {
    loadWeights(index, vectors);
    for (int i = 0; i < rows; i++) {
      a.op(Vex.VBROADCASTSS, INPUT, input(i, index));
      for (int v = 0; v < vectors; v++) {
        a.op(Vex.VCVTDQ2PS, sum(i, v), sum(i, v));
        // The scales first: the sum times one of them may be too large for f32.
        a.op(Vex.VMULPS, PRODUCTS, INPUT, weights(v));
        a.op(Vex.VFMADD213PS, sum(i, v), PRODUCTS, kept(i, v));
      }
    }
  }

  /** Writes what keeps the sums in f32. */
  void keep(int rows, int vectors) {
    for (int i = 0; i < rows; i++) {
      for (int v = 0; v < vectors; v++) {
        a.op(Vex.VMOVUPS_STORE, sum(i, v), kept(i, v));
      }
    }
  }

  /**
   * Writes the function that multiplies rows of inputs with panels of weights. Its arguments:
   *
   * <ol start="0">
   *   <li>the inputs in tiles of {@value #ROWS} rows: their first blocks one after the other, then
   *       their second blocks, and so on
   *   <li>the bytes from a tile to the next
   *   <li>the first panel: rows of {@link #WIDTH}, as many for each block as an input has floats
   *       there
   *   <li>the bytes from a panel to the next
   *   <li>what the sums begin with, f32
   *   <li>the bytes from a row of that to the next, which may be 0
   *   <li>the bytes from that of a panel to that of the next
   *   <li>where the sums go, f32; those of a panel lie behind those of the one before
   *   <li>the bytes from a row of that to the next
   *   <li>the number of blocks, at least 1
   *   <li>the number of rows, at least 1
   *   <li>the number of panels, at least 1
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
    a.mov(Gpr.RAX, frame.argument(3));
    a.mov(Gpr.R8, frame.argument(4));
    a.mov(Gpr.R9, frame.argument(5));
    a.mov(Gpr.RDX, frame.argument(6));
    a.mov(Gpr.R10, frame.argument(7));
    a.mov(Gpr.R11, frame.argument(8));
    a.mov(Gpr.RBP, frame.argument(9));
    a.mov(Gpr.R15, frame.argument(10));
    a.mov(Gpr.RCX, frame.argument(11));
    a.op(Vex.VPBROADCASTD, SOME, frame.argument(12));
    a.mov(Gpr.R12, Gpr.RSP);
    a.sub(Gpr.RSP, STACK_BYTES);
    a.and(Gpr.RSP, -VECTOR_BYTES);
    a.mov(INPUTS, Gpr.RDI);
    a.mov(PANELS_APART, Gpr.RAX);
    a.mov(FIRST_APART, Gpr.RDX);
    a.mov(ALL_ROWS, Gpr.R15);
    a.mov(PANELS_LEFT, Gpr.RCX);
    YmmLanes.numbers(a, INPUT, Gpr.RSP.at(MARKED));
    a.op(Vex.VPCMPGTD, SOME, SOME, INPUT);
    a.op(Vex.VMOVUPS_STORE, SOME, Gpr.RSP.at(MARKED));
    block.begin();
    Label panel = new Label();
    a.place(panel);
    a.mov(FIRST, Gpr.R8);
    a.mov(SUMS, Gpr.R10);
    RowTiles.write(a, Gpr.R15, ROWS, rows -> tile(rows, vectors, partial));
    a.mov(Gpr.RDI, INPUTS);
    a.mov(Gpr.R15, ALL_ROWS);
    a.mov(Gpr.RAX, PANELS_APART);
    a.add(Gpr.R13, Gpr.RAX);
    a.mov(Gpr.R8, FIRST);
    a.mov(Gpr.RAX, FIRST_APART);
    a.add(Gpr.R8, Gpr.RAX);
    a.mov(Gpr.R10, SUMS);
    a.add(Gpr.R10, PANEL_ROW_BYTES);
    a.mov(Gpr.RCX, PANELS_LEFT);
    a.sub(Gpr.RCX, 1);
    a.mov(PANELS_LEFT, Gpr.RCX);
    a.jump(Condition.NOT_EQUAL, panel);
    a.mov(Gpr.RSP, Gpr.R12);
    frame.leave();
    return at;
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
      }
      a.add(Gpr.R8, Gpr.R9);
    }
    keep(rows, vectors);
    a.mov(Gpr.RAX, Gpr.RDI);
    a.add(Gpr.RDI, Gpr.RSI);
    a.mov(Gpr.RDX, Gpr.R13);
    a.mov(Gpr.RCX, Gpr.RBP);
    Label next = new Label();
    a.place(next);
    block.multiply(this, rows, vectors);
    a.sub(Gpr.RCX, 1);
    a.jump(Condition.NOT_EQUAL, next);
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
}
