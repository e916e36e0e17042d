package io.github.vlm4j.backend.cpu.emitted;

import io.github.vlm4j.core.tensor.DType;
import java.util.List;
import java.util.function.Consumer;

/**
 * The code of matrix products in bf16. The tile is that of Goto and van de Geijn, "Anatomy of
 * High-Performance Matrix Multiplication" (2008): {@value #ROWS} inputs by up to four vectors of
 * outputs stay in registers while the inner dimension is walked, two numbers at a time, as {@code
 * vdpbf16ps} adds two products to each sum.
 */
final class Bf16Code {

  /** Inputs of a tile: with four vectors of outputs, 24 sums hide the latency of six cycles. */
  static final int ROWS = 6;

  /** Vectors of outputs of a tile, at most. */
  static final int VECTORS = 4;

  /** Floats of a vector, and pairs of bf16. */
  static final int LANES = 16;

  /** Outputs of a panel of weights. */
  static final int WIDTH = VECTORS * LANES;

  private static final int VECTOR_BYTES = 64;
  private static final int PANEL_BYTES = WIDTH * Float.BYTES;

  /** The row that is asked for ahead of the one that is read, and the lines of it: 64 numbers. */
  private static final int ROWS_AHEAD = 8;

  private static final int LINES_AHEAD = 4;

  private static final Mask SOME = new Mask(1);
  private static final Mask SOME_HIGH = new Mask(2);

  /** What the rows of a tile are broadcast from. */
  private static final List<Gpr> ROW =
      List.of(Gpr.RAX, Gpr.RBX, Gpr.RBP, Gpr.R12, Gpr.R13, Gpr.R14);

  private final Assembler a;
  private final CallingConvention convention;

  /** Creates what writes to an assembler. */
  Bf16Code(Assembler assembler, CallingConvention convention) {
    this.a = assembler;
    this.convention = convention;
  }

  /**
   * Writes the function that multiplies rows of inputs with one panel of weights. Its arguments:
   *
   * <ol start="0">
   *   <li>the inputs in bf16
   *   <li>the bytes from a row of them to the next
   *   <li>the panel: for each pair of inputs a row of {@link #WIDTH} pairs of weights
   *   <li>what the sums begin with, f32
   *   <li>the bytes from a row of that to the next, which may be 0
   *   <li>where the sums go, f32
   *   <li>the bytes from a row of that to the next
   *   <li>the number of pairs, at least 1
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
    a.mov(Gpr.RCX, frame.argument(7));
    for (int i = 0; i < rows; i++) {
      a.lea(ROW.get(i), Gpr.RDI.plus(Gpr.RCX, Float.BYTES));
      a.add(Gpr.RDI, Gpr.RSI);
    }
    for (int i = 0; i < rows; i++) {
      for (int v = 0; v < vectors; v++) {
        a.op(Evex.VMOVUPS, sum(i, v), Gpr.R8.at(VECTOR_BYTES * v), lanes(v, vectors));
      }
      a.add(Gpr.R8, Gpr.R9);
    }
    a.mov(Gpr.RDX, frame.argument(2));
    a.neg(Gpr.RCX);
    Label loop = new Label();
    a.place(loop);
    for (int v = 0; v < vectors; v++) {
      a.op(Evex.VMOVUPS, weights(v), Gpr.RDX.at(VECTOR_BYTES * v));
    }
    for (int i = 0; i < rows; i++) {
      Zmm input = input(i);
      a.op(Evex.VPBROADCASTD, input, ROW.get(i).plus(Gpr.RCX, Float.BYTES));
      for (int v = 0; v < vectors; v++) {
        a.op(Evex.VDPBF16PS, sum(i, v), weights(v), input);
      }
    }
    a.add(Gpr.RDX, PANEL_BYTES);
    a.add(Gpr.RCX, 1);
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

  private static Zmm weights(int vector) {
    return new Zmm(VECTORS * ROWS + vector);
  }

  private static Zmm input(int row) {
    return new Zmm(VECTORS * (ROWS + 1) + row % VECTORS);
  }

  /**
   * Writes the function that makes one or several bf16 of each number of some rows: the number
   * rounded to the nearest, and each time what is left of it, rounded. Its arguments:
   *
   * <ol start="0">
   *   <li>the rows
   *   <li>the bytes from one to the next
   *   <li>where the rounded rows go, each in whole blocks of 32 numbers, behind which their rests
   *       stand
   *   <li>the bytes from one to the next
   *   <li>the blocks of a row, at least 1
   *   <li>what of the last block are numbers, one bit each; the others become 0
   *   <li>the number of rows, at least 1
   * </ol>
   *
   * @param type what the rows are stored as, f32 or f16
   * @param parts how many stand for one
   * @return where it begins
   */
  int round(DType type, int parts) {
    int at = a.position();
    Frame frame = new Frame(a, convention);
    a.mov(Gpr.RDI, frame.argument(0));
    a.mov(Gpr.RSI, frame.argument(2));
    a.mov(Gpr.R8, frame.argument(6));
    a.mov(Gpr.RAX, frame.argument(5));
    a.kmovq(SOME, Gpr.RAX);
    a.shr(Gpr.RAX, LANES);
    a.kmovq(SOME_HIGH, Gpr.RAX);
    Label nextRow = new Label();
    Label loop = new Label();
    Label last = new Label();
    a.place(nextRow);
    requestRow(frame.argument(1));
    a.mov(Gpr.RAX, Gpr.RDI);
    a.mov(Gpr.RDX, Gpr.RSI);
    a.mov(Gpr.RCX, frame.argument(4));
    a.place(loop);
    a.sub(Gpr.RCX, 1);
    a.jump(Condition.EQUAL, last);
    block(type, parts, Mask.ALL, Mask.ALL);
    a.add(Gpr.RAX, (int) type.bytes(PanelLayout.BLOCK));
    a.add(Gpr.RDX, parts * VECTOR_BYTES);
    a.jump(loop);
    a.place(last);
    block(type, parts, SOME, SOME_HIGH);
    a.mov(Gpr.RAX, frame.argument(1));
    a.add(Gpr.RDI, Gpr.RAX);
    a.mov(Gpr.RAX, frame.argument(3));
    a.add(Gpr.RSI, Gpr.RAX);
    a.sub(Gpr.R8, 1);
    a.jump(Condition.NOT_EQUAL, nextRow);
    frame.leave();
    return at;
  }

  /**
   * Asks for the beginning of a row that follows: those of one head among many lie in pages of
   * their own, so that a processor does not foresee them. Leaves rax and r9 changed.
   */
  private void requestRow(Mem apart) {
    a.mov(Gpr.R9, apart);
    a.lea(Gpr.RAX, Gpr.RDI.plus(Gpr.R9, ROWS_AHEAD));
    for (int line = 0; line < LINES_AHEAD; line++) {
      a.prefetch(Gpr.RAX.at(VECTOR_BYTES * line));
    }
  }

  private void block(DType type, int parts, Mask some, Mask someHigh) {
    Zmm low = new Zmm(0);
    Zmm high = new Zmm(1);
    Zmm rounded = new Zmm(2);
    load(type, low, high, Gpr.RAX.at(), some, someHigh);
    for (int part = 0; part < parts; part++) {
      if (part > 0) {
        rest(a, low, new Zmm(3));
        rest(a, high, new Zmm(4));
      }
      a.op(Evex.VCVTNE2PS2BF16, rounded, high, low);
      a.op(Evex.VMOVUPS_STORE, rounded, Gpr.RDX.at(VECTOR_BYTES * part));
    }
  }

  /** Loads two vectors of numbers that are stored as f32 or f16. */
  private void load(DType type, Zmm low, Zmm high, Mem from, Mask some, Mask someHigh) {
    Evex load = type == DType.F16 ? Evex.VCVTPH2PS : Evex.VMOVUPS;
    a.op(load, low, from, some);
    a.op(load, high, from.plus((int) type.bytes(LANES)), someHigh);
  }

  /** Rounds two vectors to one, and replaces the first of them by their rests, rounded. */
  static void split(Assembler a, Zmm low, Zmm high, Zmm rounded, Zmm free, Zmm freeToo) {
    a.op(Evex.VCVTNE2PS2BF16, rounded, high, low);
    rest(a, low, free);
    rest(a, high, freeToo);
    a.op(Evex.VCVTNE2PS2BF16, low, high, low);
  }

  /** Takes from numbers what they are rounded to, which leaves an exact rest. */
  static void rest(Assembler a, Zmm numbers, Zmm rounded) {
    a.op(Evex.VCVTNEPS2BF16, rounded, numbers);
    a.op(Evex.VPMOVZXWD, rounded, rounded);
    a.shift(Evex.VPSLLD, rounded, rounded, Short.SIZE);
    a.op(Evex.VSUBPS, numbers, numbers, rounded);
  }

  /**
   * Writes the function that lays the weights of {@value #LANES} outputs out as a part of a panel.
   * Its arguments:
   *
   * <ol start="0">
   *   <li>the weights, or the first of one of their parts, a row for each output
   *   <li>the bytes from a row to the next
   *   <li>where the panel's first row goes; whole blocks of {@value #LANES} rows are written
   *   <li>the number of blocks, each of 32 weights a row, at least 1
   *   <li>the weights of the last block that there are, one bit each; the others become 0
   * </ol>
   *
   * @param layout how the panel lies
   * @return where it begins
   */
  int pack(PanelLayout layout) {
    return blocks(
        layout,
        VECTOR_BYTES * layout.parts(),
        fours -> {
          for (int i = 0; i < LANES; i++) {
            a.op(Evex.VMOVDQU16, new Zmm(i), row(fours, i), SOME);
          }
          transpose(layout, 0);
        });
  }

  /**
   * Writes the function that makes several bf16 of each weight of {@value #LANES} outputs, as
   * {@link #round} does, and lays all out as a part of a panel. Its arguments are those of {@link
   * #pack}.
   *
   * @param layout how the panel lies, and of how many parts; a row of pairs fills a vector
   * @param type what weights are stored as, f32 or f16
   * @return where it begins
   */
  int packParts(PanelLayout layout, DType type) {
    return blocks(
        layout,
        (int) type.bytes(PanelLayout.BLOCK),
        fours -> {
          for (int i = 0; i < LANES; i++) {
            splitRow(i, row(fours, i), type, layout);
          }
          transpose(layout, 0);
          for (int part = 1; part < layout.parts(); part++) {
            for (int i = 0; i < LANES; i++) {
              a.op(Evex.VMOVUPS, new Zmm(i), row(layout, part, i));
            }
            transpose(layout, part);
          }
        });
  }

  /**
   * Sets a vector to the rounded numbers of a row of a block; their rests wait where the other
   * parts will be.
   */
  private void splitRow(int i, Mem from, DType type, PanelLayout layout) {
    int free = LANES + i % 2 * 5;
    Zmm low = new Zmm(free);
    Zmm high = new Zmm(free + 1);
    Zmm rounded = new Zmm(free + 4);
    load(type, low, high, from, SOME, SOME_HIGH);
    a.op(Evex.VCVTNE2PS2BF16, new Zmm(i), high, low);
    for (int part = 1; part < layout.parts(); part++) {
      rest(a, low, new Zmm(free + 2));
      rest(a, high, new Zmm(free + 3));
      a.op(Evex.VCVTNE2PS2BF16, rounded, high, low);
      a.op(Evex.VMOVUPS_STORE, rounded, row(layout, part, i));
    }
  }

  /** Stores the rows of a part of a block, vectors 0 to 15, as columns. */
  private void transpose(PanelLayout layout, int part) {
    Transposition.write(a);
    for (int i = 0; i < LANES; i++) {
      a.op(Evex.VMOVUPS_STORE, new Zmm(i), row(layout, part, i));
    }
  }

  /**
   * Writes a function that walks the blocks of a group of rows.
   *
   * @param layout where the blocks go: to what RDX points at
   * @param blockBytes the bytes of a row of a block
   * @param block writes what is done with a block, of whose rows each fourth is pointed at
   */
  private int blocks(PanelLayout layout, int blockBytes, Consumer<List<Gpr>> block) {
    int at = a.position();
    Frame frame = new Frame(a, convention);
    List<Gpr> fours = List.of(Gpr.R8, Gpr.R9, Gpr.R10, Gpr.R11);
    a.mov(Gpr.R8, frame.argument(0));
    a.mov(Gpr.RSI, frame.argument(1));
    a.mov(Gpr.RDX, frame.argument(2));
    a.mov(Gpr.RCX, frame.argument(3));
    a.lea(Gpr.RDI, Gpr.RSI.plus(Gpr.RSI, 2));
    for (int i = 1; i < fours.size(); i++) {
      a.lea(fours.get(i), fours.get(i - 1).plus(Gpr.RSI, 4));
    }
    a.mov(Gpr.RAX, -1);
    a.kmovq(SOME, Gpr.RAX);
    a.kmovq(SOME_HIGH, Gpr.RAX);
    Label loop = new Label();
    Label whole = new Label();
    a.place(loop);
    a.cmp(Gpr.RCX, 1);
    a.jump(Condition.NOT_EQUAL, whole);
    a.mov(Gpr.RAX, frame.argument(4));
    a.kmovq(SOME, Gpr.RAX);
    a.shr(Gpr.RAX, LANES);
    a.kmovq(SOME_HIGH, Gpr.RAX);
    a.place(whole);
    block.accept(fours);
    for (Gpr four : fours) {
      a.add(four, blockBytes);
    }
    a.add(Gpr.RDX, Float.BYTES * layout.block());
    a.sub(Gpr.RCX, 1);
    a.jump(Condition.NOT_EQUAL, loop);
    frame.leave();
    return at;
  }

  /** Returns where a row of a part of a block is in a panel. */
  private static Mem row(PanelLayout layout, int part, int row) {
    return Gpr.RDX.at(Float.BYTES * (layout.part() * part + layout.pair() * row));
  }

  /** Returns where a row of weights is. */
  private static Mem row(List<Gpr> fours, int i) {
    Gpr four = fours.get(i / 4);
    return switch (i % 4) {
      case 0 -> four.at();
      case 1 -> four.plus(Gpr.RSI, 1);
      case 2 -> four.plus(Gpr.RSI, 2);
      default -> four.plus(Gpr.RDI, 1);
    };
  }
}
