package io.github.vlm4j.backend.cpu.emitted;

import io.github.vlm4j.core.tensor.DType;
import java.util.List;

/**
 * The code that lays rows of weights out as panels of {@link BlockProductCode}. A few blocks of
 * each row of a panel are decoded into memory that a first cache holds, then transposed from there.
 */
final class BlockPanelCode {

  private static final int WIDTH = BlockProductCode.WIDTH;
  private static final int SIDE = FloatTransposeCode.SIDE;
  private static final int VECTOR_BYTES = 32;
  private static final int PANEL_ROW_BYTES = WIDTH * Float.BYTES;

  /** Bytes on the stack, from rsp on, for what is on its way between registers. */
  private static final int BETWEEN = 4 * VECTOR_BYTES;

  /** How far ahead in its row a block is asked for, in bytes. */
  private static final int AHEAD = 512;

  private static final int STACK_BYTES = BETWEEN + 5 * Long.BYTES;
  private static final Mem STAGING = Gpr.RSP.at(BETWEEN);
  private static final Mem PANELS_APART = Gpr.RSP.at(BETWEEN + Long.BYTES);
  private static final Mem PANEL = Gpr.RSP.at(BETWEEN + 2 * Long.BYTES);
  private static final Mem ALL_BLOCKS = Gpr.RSP.at(BETWEEN + 3 * Long.BYTES);
  private static final Mem ROWS_HERE = Gpr.RSP.at(BETWEEN + 4 * Long.BYTES);

  /**
   * What blocks become. What decodes those that rdi points at, to where r9 points, may change all
   * vectors but those of its constants, rax, rbx, rbp, rdx, r13 and {@value #BETWEEN} bytes from
   * rsp on.
   */
  interface Block {

    /** Returns the types that there is code for. */
    List<DType> types();

    /** Returns the weights of a type that are decoded together, of which rows have a multiple. */
    int weights(DType type);

    /** Returns the floats that they become. */
    int floats(DType type);

    /** Writes what sets registers that all blocks of a type need. */
    void constants(DType type);

    /** Writes what decodes so many weights. */
    void decode(DType type);
  }

  private BlockPanelCode() {}

  /**
   * Returns the floats from what a row becomes to that of the next row, before it is transposed.
   */
  private static int apart(DType type, Block code) {
    return Math.ceilDiv(code.floats(type), SIDE) * SIDE;
  }

  /** Returns the floats of memory that the function for a type needs. */
  static int stagingFloats(DType type, Block code) {
    return WIDTH * apart(type, code);
  }

  /** The floats behind the last panel that the function may write to. */
  static final int MOST_BEHIND = (SIDE - 1) * WIDTH;

  /**
   * Writes the function that lays rows of a type out. Its arguments:
   *
   * <ol start="0">
   *   <li>the rows of blocks
   *   <li>the bytes before the first
   *   <li>the bytes from one to the next
   *   <li>the first panel
   *   <li>the bytes from a panel to the next
   *   <li>how often {@link Block#weights} make a row, at least 1
   *   <li>the number of rows, at least 1; of a panel with fewer than {@value
   *       BlockProductCode#WIDTH}, the others' lanes hold anything
   *   <li>{@link #stagingFloats} of memory
   * </ol>
   *
   * <p>Up to {@value #MOST_BEHIND} floats behind each panel hold anything afterwards, unless
   * another panel is there.
   *
   * @return where it begins
   */
  static int write(Assembler a, CallingConvention convention, DType type, Block code) {
    int at = a.position();
    int blockBytes = Math.toIntExact(type.bytes(code.weights(type)));
    int apartBytes = apart(type, code) * Float.BYTES;
    Frame frame = new Frame(a, convention);
    a.mov(Gpr.R8, frame.argument(0));
    a.mov(Gpr.RAX, frame.argument(1));
    a.add(Gpr.R8, Gpr.RAX);
    a.mov(Gpr.R10, frame.argument(2));
    a.mov(Gpr.RSI, frame.argument(3));
    a.mov(Gpr.RAX, frame.argument(4));
    a.mov(Gpr.RBX, frame.argument(5));
    a.mov(Gpr.R15, frame.argument(6));
    a.mov(Gpr.RDX, frame.argument(7));
    a.mov(Gpr.R12, Gpr.RSP);
    a.sub(Gpr.RSP, STACK_BYTES);
    a.and(Gpr.RSP, -VECTOR_BYTES);
    a.mov(STAGING, Gpr.RDX);
    a.mov(PANELS_APART, Gpr.RAX);
    a.mov(ALL_BLOCKS, Gpr.RBX);
    Label panel = new Label();
    Label whole = new Label();
    Label blocks = new Label();
    Label row = new Label();
    Label end = new Label();
    a.place(panel);
    a.mov(PANEL, Gpr.RSI);
    a.mov(Gpr.RCX, Gpr.R15);
    a.cmp(Gpr.R15, WIDTH);
    a.jump(Condition.LESS, whole);
    a.mov(Gpr.RCX, WIDTH);
    a.place(whole);
    a.mov(ROWS_HERE, Gpr.RCX);
    a.mov(Gpr.R11, Gpr.R8);
    a.mov(Gpr.R14, ALL_BLOCKS);
    a.place(blocks);
    code.constants(type);
    a.mov(Gpr.RDI, Gpr.R11);
    a.mov(Gpr.R9, STAGING);
    a.mov(Gpr.RCX, ROWS_HERE);
    a.place(row);
    Lookahead.write(a, AHEAD, blockBytes);
    code.decode(type);
    a.add(Gpr.RDI, Gpr.R10);
    a.add(Gpr.R9, apartBytes);
    a.sub(Gpr.RCX, 1);
    a.jump(Condition.NOT_EQUAL, row);
    transpose(a, code.floats(type), apartBytes);
    a.add(Gpr.R11, blockBytes);
    a.sub(Gpr.R14, 1);
    a.jump(Condition.NOT_EQUAL, blocks);
    a.mov(Gpr.RSI, PANEL);
    a.mov(Gpr.RAX, PANELS_APART);
    a.add(Gpr.RSI, Gpr.RAX);
    for (int i = 0; i < WIDTH; i += SIDE) {
      a.lea(Gpr.R8, Gpr.R8.plus(Gpr.R10, SIDE));
    }
    a.sub(Gpr.R15, WIDTH);
    a.cmp(Gpr.R15, 1);
    a.jump(Condition.LESS, end);
    a.jump(panel);
    a.place(end);
    a.mov(Gpr.RSP, Gpr.R12);
    frame.leave();
    return at;
  }

  /**
   * Writes what transposes the rows that were decoded to where rsi points, which moves on behind
   * them. Columns that fill no block of {@value FloatTransposeCode#SIDE} are followed by others
   * that hold anything, in whose place what comes next is written.
   */
  private static void transpose(Assembler a, int floats, int apartBytes) {
    int chunks = Math.ceilDiv(floats, SIDE);
    a.mov(Gpr.RDI, STAGING);
    a.mov(Gpr.RCX, chunks);
    Label next = new Label();
    a.place(next);
    for (int lanes = 0; lanes < WIDTH; lanes += SIDE) {
      int first = lanes;
      FloatTransposeCode.write(
          a,
          (row, column) -> Gpr.RDI.at(apartBytes * (first + row) + Float.BYTES * column),
          column -> Gpr.RSI.at(PANEL_ROW_BYTES * column + Float.BYTES * first));
    }
    a.add(Gpr.RDI, SIDE * Float.BYTES);
    a.add(Gpr.RSI, SIDE * PANEL_ROW_BYTES);
    a.sub(Gpr.RCX, 1);
    a.jump(Condition.NOT_EQUAL, next);
    a.sub(Gpr.RSI, PANEL_ROW_BYTES * (SIDE * chunks - floats));
  }
}
