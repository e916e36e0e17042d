package io.github.vlm4j.backend.cpu.emitted;

import io.github.vlm4j.core.tensor.DType;

/**
 * The code that makes rows columns, {@value #SIDE} by {@value #SIDE} at a time for vectors of 256
 * bits. Each vector is loaded from two rows that lie half a block apart, so that no number has to
 * change from one half of a register to the other.
 */
final class FloatTransposeCode {

  /** Rows and columns of a block. */
  static final int SIDE = 8;

  private static final int HALF = SIDE / 2;

  /** The upper half of a vector. */
  private static final int UPPER = 1;

  /** Shuffles that take the lower, or the upper, two numbers of each half of two vectors. */
  private static final int LOWER_PAIRS = 0x44;

  private static final int UPPER_PAIRS = 0xee;

  private static final Zmm ZERO = new Zmm(15);

  private final Assembler a;
  private final CallingConvention convention;

  /** Creates what writes to an assembler. */
  FloatTransposeCode(Assembler assembler, CallingConvention convention) {
    this.a = assembler;
    this.convention = convention;
  }

  /**
   * Writes the function that transposes whole blocks. Its arguments:
   *
   * <ol start="0">
   *   <li>rows
   *   <li>the bytes from one to the next
   *   <li>the blocks of rows, at least 1
   *   <li>the blocks of columns, at least 1
   *   <li>where columns go, f32
   *   <li>the bytes from one to the next
   * </ol>
   *
   * @param type what rows hold: f32 or bf16
   * @return where it begins
   */
  int transpose(DType type) {
    int bytes = type.blockBytes();
    int at = a.position();
    Frame frame = new Frame(a, convention);
    a.op(Vex.VPXOR, ZERO, ZERO, ZERO);
    a.mov(Gpr.R10, frame.argument(0));
    a.mov(Gpr.RSI, frame.argument(1));
    a.mov(Gpr.R11, frame.argument(2));
    a.mov(Gpr.R12, frame.argument(4));
    a.mov(Gpr.RDX, frame.argument(5));
    // Four rows from the first, and thrice the distance of rows and of columns.
    a.lea(Gpr.R9, Gpr.RSI.plus(Gpr.RSI, 2));
    a.lea(Gpr.R8, Gpr.RDX.plus(Gpr.RDX, 2));
    Label rows = new Label();
    Label block = new Label();
    a.place(rows);
    a.mov(Gpr.RDI, Gpr.R10);
    a.lea(Gpr.RBX, Gpr.RDI.plus(Gpr.RSI, 4));
    a.mov(Gpr.RAX, Gpr.R12);
    a.mov(Gpr.RCX, frame.argument(3));
    a.place(block);
    if (type == DType.BF16) {
      loadBf16();
    } else {
      load(0, 0);
      load(HALF, HALF * bytes);
    }
    a.lea(Gpr.RBP, Gpr.RAX.plus(Gpr.RDX, 4));
    exchange(0, Gpr.RAX);
    exchange(HALF, Gpr.RBP);
    a.add(Gpr.RDI, SIDE * bytes);
    a.add(Gpr.RBX, SIDE * bytes);
    a.lea(Gpr.RAX, Gpr.RBP.plus(Gpr.RDX, 4));
    a.sub(Gpr.RCX, 1);
    a.jump(Condition.NOT_EQUAL, block);
    a.lea(Gpr.R10, Gpr.R10.plus(Gpr.RSI, SIDE));
    a.add(Gpr.R12, SIDE * Float.BYTES);
    a.sub(Gpr.R11, 1);
    a.jump(Condition.NOT_EQUAL, rows);
    frame.leave();
    return at;
  }

  /** Returns where a row of a half of the block begins. */
  private static Mem row(Gpr half, int row, int bytes) {
    return switch (row) {
      case 0 -> half.at(bytes);
      case 1 -> half.plus(Gpr.RSI, 1).plus(bytes);
      case 2 -> half.plus(Gpr.RSI, 2).plus(bytes);
      default -> half.plus(Gpr.R9, 1).plus(bytes);
    };
  }

  /** Loads four columns of all rows. */
  private void load(int first, int bytes) {
    for (int i = 0; i < HALF; i++) {
      Zmm to = new Zmm(first + i);
      a.op(Vex.VMOVUPS_XMM, to, row(Gpr.RDI, i, bytes));
      a.op(Vex.VINSERTF128, to, to, row(Gpr.RBX, i, bytes), UPPER);
    }
  }

  /** Loads all columns of all rows: bf16 is the upper half of f32. */
  private void loadBf16() {
    for (int i = 0; i < HALF; i++) {
      Zmm low = new Zmm(i);
      Zmm high = new Zmm(HALF + i);
      a.op(Vex.VMOVUPS_XMM, high, row(Gpr.RDI, i, 0));
      a.op(Vex.VINSERTF128, high, high, row(Gpr.RBX, i, 0), UPPER);
      a.op(Vex.VPUNPCKLWD, low, ZERO, high);
      a.op(Vex.VPUNPCKHWD, high, ZERO, high);
    }
  }

  /** Transposes the halves of four vectors and stores them as columns. */
  private void exchange(int first, Gpr to) {
    for (int i = 0; i < HALF; i += 2) {
      Zmm even = new Zmm(first + i);
      Zmm odd = new Zmm(first + i + 1);
      a.op(Vex.VUNPCKLPS, new Zmm(SIDE + i), even, odd);
      a.op(Vex.VUNPCKHPS, new Zmm(SIDE + i + 1), even, odd);
    }
    for (int column = 0; column < HALF; column++) {
      Zmm result = new Zmm(first + column);
      Zmm upperRows = new Zmm(SIDE + column / 2);
      Zmm lowerRows = new Zmm(SIDE + 2 + column / 2);
      a.op(Vex.VSHUFPS, result, upperRows, lowerRows, column % 2 == 0 ? LOWER_PAIRS : UPPER_PAIRS);
      Mem place =
          switch (column) {
            case 0 -> to.at();
            case 1 -> to.plus(Gpr.RDX, 1);
            case 2 -> to.plus(Gpr.RDX, 2);
            default -> to.plus(Gpr.R8, 1);
          };
      a.op(Vex.VMOVUPS_STORE, result, place);
    }
  }
}
