package io.github.vlm4j.backend.cpu.emitted;

import java.util.List;

/**
 * The code of matrix times vector for bf16 weights with AVX2, in f32: pairs of weights are loaded
 * as ints, whose lower halves are shifted up and whose upper halves are masked. Inputs are
 * therefore parted into those of even and of odd index first.
 *
 * <p>Rows are read as several streams that lie far apart, which processors fetch ahead each by
 * itself.
 */
final class Bf16RowCode {

  /** Inputs of one turn of the loop. */
  static final int STEP = 32;

  /** Rows that are read side by side. */
  static final int STREAMS = 4;

  private static final int VECTOR = 32;

  /** How far ahead weights are asked for, in bytes; what is behind the last row does no harm. */
  private static final int AHEAD = 1024;

  /** The order of quarters that a shuffle of both halves of a vector apart leaves. */
  private static final long UNSHUFFLED = 0x07_06_03_02_05_04_01_00L;

  private static final List<Gpr> STREAM = List.of(Gpr.RDI, Gpr.R8, Gpr.R9, Gpr.R10);

  private static final Zmm UPPER = new Zmm(15);

  private final Assembler a;
  private final CallingConvention convention;

  /** Creates what writes to an assembler. */
  Bf16RowCode(Assembler assembler, CallingConvention convention) {
    this.a = assembler;
    this.convention = convention;
  }

  private static Zmm v(int number) {
    return new Zmm(number);
  }

  /**
   * Writes the function that parts inputs. Its arguments:
   *
   * <ol start="0">
   *   <li>the inputs
   *   <li>the bytes before the first
   *   <li>where those of even index go, and behind them the others
   *   <li>the bytes of one half, a multiple of 64 above 0
   * </ol>
   *
   * @return where it begins
   */
  int part() {
    int at = a.position();
    Frame frame = new Frame(a, convention);
    a.mov(Gpr.RSI, frame.argument(2));
    a.mov(Gpr.RAX, UNSHUFFLED);
    a.mov(Gpr.RSI.at(), Gpr.RAX);
    a.op(Vex.VPMOVZXBD, UPPER, Gpr.RSI.at());
    a.mov(Gpr.RDI, frame.argument(0));
    a.mov(Gpr.RAX, frame.argument(1));
    a.add(Gpr.RDI, Gpr.RAX);
    a.mov(Gpr.RCX, frame.argument(3));
    a.mov(Gpr.RDX, Gpr.RSI);
    a.add(Gpr.RDX, Gpr.RCX);
    Label next = new Label();
    a.place(next);
    a.op(Vex.VMOVUPS, v(0), Gpr.RDI.at());
    a.op(Vex.VMOVUPS, v(1), Gpr.RDI.at(VECTOR));
    a.op(Vex.VSHUFPS, v(2), v(0), v(1), 0x88);
    a.op(Vex.VSHUFPS, v(3), v(0), v(1), 0xdd);
    a.op(Vex.VPERMD, v(2), UPPER, v(2));
    a.op(Vex.VPERMD, v(3), UPPER, v(3));
    a.op(Vex.VMOVUPS_STORE, v(2), Gpr.RSI.at());
    a.op(Vex.VMOVUPS_STORE, v(3), Gpr.RDX.at());
    a.add(Gpr.RDI, 2 * VECTOR);
    a.add(Gpr.RSI, VECTOR);
    a.add(Gpr.RDX, VECTOR);
    a.sub(Gpr.RCX, VECTOR);
    a.jump(Condition.NOT_EQUAL, next);
    frame.leave();
    return at;
  }

  /**
   * Writes the function that multiplies rows of weights with parted inputs. Its arguments:
   *
   * <ol start="0">
   *   <li>the weights
   *   <li>the bytes before the first row of the first stream
   *   <li>the bytes from a stream to the next
   *   <li>the rows of a stream, at least 1
   *   <li>the parted inputs
   *   <li>the bytes of one half of them, which is those of a row of weights: a multiple of 64
   *   <li>the results, f32
   *   <li>the bytes before the first
   *   <li>the bytes from a stream's results to the next's
   * </ol>
   *
   * @param streams how many rows are read side by side
   * @return where it begins
   */
  int multiply(int streams) {
    int at = a.position();
    Frame frame = new Frame(a, convention);
    a.mov(Gpr.RAX, 0xffff0000L);
    a.broadcast256(UPPER, Gpr.RAX);
    a.mov(Gpr.R11, frame.argument(5));
    a.mov(Gpr.RSI, frame.argument(4));
    a.add(Gpr.RSI, Gpr.R11);
    a.mov(Gpr.RDX, Gpr.RSI);
    a.add(Gpr.RDX, Gpr.R11);
    // Pointers are to the ends of rows, from which an index counts up to zero.
    a.mov(Gpr.RDI, frame.argument(0));
    a.mov(Gpr.RAX, frame.argument(1));
    a.add(Gpr.RDI, Gpr.RAX);
    a.add(Gpr.RDI, Gpr.R11);
    a.mov(Gpr.RAX, frame.argument(2));
    for (int i = 1; i < streams; i++) {
      a.mov(STREAM.get(i), STREAM.get(i - 1));
      a.add(STREAM.get(i), Gpr.RAX);
    }
    a.mov(Gpr.R14, frame.argument(6));
    a.mov(Gpr.RAX, frame.argument(7));
    a.add(Gpr.R14, Gpr.RAX);
    a.mov(Gpr.R13, frame.argument(8));
    a.mov(Gpr.R15, frame.argument(3));
    Label row = new Label();
    Label next = new Label();
    a.place(row);
    for (int i = 0; i < 2 * streams; i++) {
      a.op(Vex.VPXOR, v(i), v(i), v(i));
    }
    a.mov(Gpr.RCX, Gpr.R11);
    a.neg(Gpr.RCX);
    a.place(next);
    for (int i = 0; i < streams; i++) {
      a.prefetch(STREAM.get(i).plus(Gpr.RCX, 1).plus(AHEAD));
    }
    for (int bytes = 0; bytes < 2 * STEP; bytes += VECTOR) {
      step(streams, bytes);
    }
    a.add(Gpr.RCX, 2 * STEP);
    a.jump(Condition.NOT_EQUAL, next);
    a.mov(Gpr.RAX, Gpr.R14);
    for (int i = 0; i < streams; i++) {
      a.op(Vex.VADDPS, v(2 * i), v(2 * i), v(2 * i + 1));
      Reduction.write(a, Vex.VADDPS, v(2 * i), v(8 + i));
      a.op(Vex.VMOVSS_STORE, v(2 * i), Gpr.RAX.at());
      a.add(Gpr.RAX, Gpr.R13);
      a.add(STREAM.get(i), Gpr.R11);
    }
    a.add(Gpr.R14, Float.BYTES);
    a.sub(Gpr.R15, 1);
    a.jump(Condition.NOT_EQUAL, row);
    frame.leave();
    return at;
  }

  /** Adds the products of a vector of weights of each stream. */
  private void step(int streams, int bytes) {
    Zmm even = v(8);
    Zmm odd = v(9);
    a.op(Vex.VMOVUPS, even, Gpr.RSI.plus(Gpr.RCX, 1).plus(bytes));
    a.op(Vex.VMOVUPS, odd, Gpr.RDX.plus(Gpr.RCX, 1).plus(bytes));
    for (int i = 0; i < streams; i++) {
      Zmm pairs = v(10 + 2 * (i % 2));
      Zmm shifted = v(11 + 2 * (i % 2));
      a.op(Vex.VMOVUPS, pairs, STREAM.get(i).plus(Gpr.RCX, 1).plus(bytes));
      a.shift(Vex.VPSLLD, shifted, pairs, 16);
      a.op(Vex.VPAND, pairs, pairs, UPPER);
      a.op(Vex.VFMADD231PS, v(2 * i), shifted, even);
      a.op(Vex.VFMADD231PS, v(2 * i + 1), pairs, odd);
    }
  }
}
