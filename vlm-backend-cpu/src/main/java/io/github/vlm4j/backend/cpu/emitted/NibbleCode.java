package io.github.vlm4j.backend.cpu.emitted;

/**
 * Blocks of {@value #BLOCK} inputs of eight bits and weights of four without signs: {@code
 * vpmaddubsw} multiplies twice as many as there are numbers of 16 bits in a vector, and sixteen
 * such products fit 16 bits, so that the sums of a whole block are added there. What a weight
 * stands for is its scale times its four bits, less a minimum: a block's minimum is multiplied with
 * the sum of its inputs.
 */
final class NibbleCode implements BlockProductCode.Block {

  /** Numbers that share a scale. */
  static final int BLOCK = 32;

  private static final int FOURS = BLOCK / Integer.BYTES;

  /** Which float of a block is the scale. */
  static final int SCALE = FOURS;

  /** Which is the sum of a block's inputs, scaled, or minus the minimum of its weights. */
  static final int SUM = FOURS + 1;

  /** The floats of a block of a row. */
  static final int ROW_FLOATS = FOURS + 2;

  private static final int WORDS_OF_ONE = 0x00010001;
  private static final int BYTES_OF_ONE = 0x01010101;

  private final Assembler a;
  private final CallingConvention convention;

  /** Creates what writes to an assembler. */
  NibbleCode(Assembler assembler, CallingConvention convention) {
    this.a = assembler;
    this.convention = convention;
  }

  @Override
  public int floats() {
    return ROW_FLOATS;
  }

  @Override
  public void begin() {
    a.mov(Gpr.RBX, WORDS_OF_ONE);
  }

  @Override
  public void multiply(BlockProductCode code, int rows, int vectors) {
    for (int four = 0; four < FOURS; four++) {
      code.loadWeights(four, vectors);
      for (int i = 0; i < rows; i++) {
        a.op(Vex.VPBROADCASTD, BlockProductCode.INPUT, code.input(i, four));
        for (int v = 0; v < vectors; v++) {
          Zmm product =
              four == 0 ? BlockProductCode.sum(i, v) : BlockProductCode.product(v, vectors);
          a.op(Vex.VPMADDUBSW, product, BlockProductCode.weights(v), BlockProductCode.INPUT);
        }
        for (int v = 0; v < vectors && four > 0; v++) {
          Zmm sum = BlockProductCode.sum(i, v);
          a.op(Vex.VPADDW, sum, sum, BlockProductCode.product(v, vectors));
        }
      }
    }
    a.broadcast256(BlockProductCode.INPUT, Gpr.RBX);
    for (int i = 0; i < rows; i++) {
      for (int v = 0; v < vectors; v++) {
        Zmm sum = BlockProductCode.sum(i, v);
        a.op(Vex.VPMADDWD, sum, sum, BlockProductCode.INPUT);
      }
    }
    code.scale(SCALE, rows, vectors);
    code.loadWeights(SUM, vectors);
    for (int i = 0; i < rows; i++) {
      a.op(Vex.VBROADCASTSS, BlockProductCode.INPUT, code.input(i, SUM));
      for (int v = 0; v < vectors; v++) {
        Zmm sum = BlockProductCode.sum(i, v);
        a.op(Vex.VFMADD231PS, sum, BlockProductCode.INPUT, BlockProductCode.weights(v));
      }
    }
    code.keep(rows, vectors);
    code.leaveBlock(0);
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
   *   <li>the number of rows, at least 1
   * </ol>
   *
   * @return where it begins
   */
  int round() {
    int at = a.position();
    Frame frame = new Frame(a, convention);
    ByteRounding rounding = new ByteRounding(a);
    Zmm wordsOfOne = new Zmm(15);
    Zmm bytesOfOne = new Zmm(13);
    Zmm sum = new Zmm(6);
    Zmm moved = new Zmm(7);
    a.mov(Gpr.RDI, frame.argument(0));
    a.mov(Gpr.R8, frame.argument(1));
    a.mov(Gpr.RSI, frame.argument(2));
    a.mov(Gpr.R9, frame.argument(3));
    a.mov(Gpr.RBX, frame.argument(4));
    a.mov(Gpr.R10, frame.argument(5));
    a.mov(Gpr.R11, frame.argument(6));
    rounding.begin(frame.argument(0));
    YmmLanes.set(a, wordsOfOne, WORDS_OF_ONE);
    YmmLanes.set(a, bytesOfOne, BYTES_OF_ONE);
    Label row = new Label();
    Label block = new Label();
    a.place(row);
    a.mov(Gpr.RDX, Gpr.RDI);
    a.mov(Gpr.R14, Gpr.RSI);
    a.mov(Gpr.RCX, Gpr.R10);
    a.place(block);
    rounding.round(Gpr.RDX);
    a.op(Vex.VMOVUPS_STORE, ByteRounding.BYTES, Gpr.R14.at());
    a.op(Vex.VMOVSS_STORE, ByteRounding.SCALE, Gpr.R14.at(Float.BYTES * SCALE));
    a.op(Vex.VPMADDUBSW, sum, bytesOfOne, ByteRounding.BYTES);
    a.op(Vex.VPMADDWD, sum, sum, wordsOfOne);
    Reduction.write(a, Vex.VPADDD, sum, moved);
    a.op(Vex.VCVTDQ2PS, sum, sum);
    a.op(Vex.VMULPS, sum, sum, ByteRounding.SCALE);
    a.op(Vex.VMOVSS_STORE, sum, Gpr.R14.at(Float.BYTES * SUM));
    a.add(Gpr.RDX, Float.BYTES * BLOCK);
    a.add(Gpr.R14, Gpr.RBX);
    a.sub(Gpr.RCX, 1);
    a.jump(Condition.NOT_EQUAL, block);
    a.add(Gpr.RDI, Gpr.R8);
    a.add(Gpr.RSI, Gpr.R9);
    a.sub(Gpr.R11, 1);
    a.jump(Condition.NOT_EQUAL, row);
    frame.leave();
    return at;
  }
}
