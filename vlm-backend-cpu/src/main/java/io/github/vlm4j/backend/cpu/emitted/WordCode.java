package io.github.vlm4j.backend.cpu.emitted;

/**
 * Blocks of {@value #BLOCK} whole numbers of 16 bits: {@code vpmaddwd} adds neighbouring products
 * to 32 bits, twice as many as a fused multiply-add of f32 has in a vector of the same size. Inputs
 * are at most {@link #GREATEST_INPUT}, weights {@link #GREATEST_WEIGHT}, so that a block's sum fits
 * 31 bits.
 */
final class WordCode implements BlockProductCode.Block {

  /** Numbers that share a scale. */
  static final int BLOCK = 64;

  /** The greatest input of a block becomes this, or minus this. */
  static final int GREATEST_INPUT = 8191;

  /** The greatest weight of a block becomes this, or minus this; one more would fit, too. */
  static final int GREATEST_WEIGHT = 4095;

  /** The floats of a block of a row: numbers in pairs, then the scale. */
  static final int ROW_FLOATS = BLOCK / 2 + 1;

  private static final int LANES = BlockProductCode.LANES;
  private static final int VECTOR_BYTES = 32;
  private static final int PAIRS = BLOCK / 2;

  /** Pairs of one turn of a loop. */
  private static final int STEPS = 8;

  private static final Zmm NUMBERS = v(12);
  private static final Zmm LANE_COUNT = v(11);

  private final Assembler a;
  private final CallingConvention convention;
  private final WordRounding rounding;

  /** Creates what writes to an assembler. */
  WordCode(Assembler assembler, CallingConvention convention) {
    this.a = assembler;
    this.convention = convention;
    this.rounding = new WordRounding(assembler);
  }

  private static Zmm v(int number) {
    return new Zmm(number);
  }

  @Override
  public int floats() {
    return ROW_FLOATS;
  }

  @Override
  public void multiply(BlockProductCode code, int rows, int vectors) {
    for (int i = 0; i < rows; i++) {
      for (int v = 0; v < vectors; v++) {
        Zmm sum = BlockProductCode.sum(i, v);
        a.op(Vex.VPXOR, sum, sum, sum);
      }
    }
    Label pairs = new Label();
    a.mov(Gpr.R14, PAIRS / STEPS);
    a.place(pairs);
    for (int step = 0; step < STEPS; step++) {
      code.loadWeights(step, vectors);
      for (int i = 0; i < rows; i++) {
        a.op(Vex.VPBROADCASTD, BlockProductCode.INPUT, code.input(i, step));
        for (int v = 0; v < vectors; v++) {
          a.op(
              Vex.VPMADDWD,
              BlockProductCode.product(v, vectors),
              BlockProductCode.INPUT,
              BlockProductCode.weights(v));
        }
        for (int v = 0; v < vectors; v++) {
          Zmm sum = BlockProductCode.sum(i, v);
          a.op(Vex.VPADDD, sum, sum, BlockProductCode.product(v, vectors));
        }
      }
    }
    code.advance(STEPS);
    a.sub(Gpr.R14, 1);
    a.jump(Condition.NOT_EQUAL, pairs);
    code.scale(0, rows, vectors);
    code.keep(rows, vectors);
    code.leaveBlock(PAIRS);
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
   * @return where it begins
   */
  int round() {
    int at = a.position();
    Frame frame = new Frame(a, convention);
    rounding.begin();
    a.op(Vex.VBROADCASTSS, WordRounding.GREATEST, frame.argument(8));
    YmmLanes.set(a, LANE_COUNT, LANES);
    YmmLanes.numbers(a, NUMBERS, frame.argument(8));
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
    wholeBlock();
    a.sub(Gpr.RCX, 1);
    a.jump(block);
    a.place(last);
    a.cmp(Gpr.R14, BLOCK);
    a.jump(Condition.NOT_EQUAL, partial);
    wholeBlock();
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

  private void wholeBlock() {
    for (int i = 0; i < BLOCK / LANES; i++) {
      a.op(Vex.VMOVUPS, v(i), Gpr.RAX.at(VECTOR_BYTES * i));
    }
    rounding.round(Gpr.RDX);
    a.add(Gpr.RAX, BLOCK * Float.BYTES);
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
    rounding.round(Gpr.RDX);
  }
}
