package io.github.vlm4j.backend.cpu.emitted;

import io.github.vlm4j.core.tensor.DType;
import java.util.function.IntFunction;

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
    a.lea(Gpr.RBP, Gpr.RAX.plus(Gpr.RDX, 4));
    if (type == DType.BF16) {
      loadBf16();
      exchange(a, 0, FloatTransposeCode::column);
      exchange(a, HALF, FloatTransposeCode::column);
    } else {
      write(a, FloatTransposeCode::row, FloatTransposeCode::column);
    }
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

  /** Says where a number of a block is. */
  interface Place {

    /** Returns the place of a column of a row. */
    Mem of(int row, int column);
  }

  /**
   * Writes what transposes a block of f32. Changes all vectors.
   *
   * @param from where numbers are, four at a time
   * @param to where columns begin
   */
  static void write(Assembler a, Place from, IntFunction<Mem> to) {
    for (int first = 0; first < SIDE; first += HALF) {
      for (int i = 0; i < HALF; i++) {
        Zmm four = new Zmm(first + i);
        a.op(Vex.VMOVUPS_XMM, four, from.of(i, first));
        a.op(Vex.VINSERTF128, four, four, from.of(HALF + i, first), UPPER);
      }
    }
    exchange(a, 0, to);
    exchange(a, HALF, to);
  }

  private static Mem row(int row, int column) {
    return distant(row < HALF ? Gpr.RDI : Gpr.RBX, row % HALF, Gpr.RSI, Gpr.R9)
        .plus(Float.BYTES * column);
  }

  private static Mem column(int column) {
    return distant(column < HALF ? Gpr.RAX : Gpr.RBP, column % HALF, Gpr.RDX, Gpr.R8);
  }

  /** Returns a place at zero to three times a distance from another. */
  private static Mem distant(Gpr from, int times, Gpr distance, Gpr thrice) {
    return switch (times) {
      case 0 -> from.at();
      case 1 -> from.plus(distance, 1);
      case 2 -> from.plus(distance, 2);
      default -> from.plus(thrice, 1);
    };
  }

  /** Loads all columns of all rows: bf16 is the upper half of f32. */
  private void loadBf16() {
    for (int i = 0; i < HALF; i++) {
      Zmm low = new Zmm(i);
      Zmm high = new Zmm(HALF + i);
      a.op(Vex.VMOVUPS_XMM, high, row(i, 0));
      a.op(Vex.VINSERTF128, high, high, row(HALF + i, 0), UPPER);
      a.op(Vex.VPUNPCKLWD, low, ZERO, high);
      a.op(Vex.VPUNPCKHWD, high, ZERO, high);
    }
  }

  /** Transposes the halves of four vectors and stores them as columns. */
  private static void exchange(Assembler a, int first, IntFunction<Mem> to) {
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
      a.op(Vex.VMOVUPS_STORE, result, to.apply(first + column));
    }
  }
}
