package io.github.vlm4j.backend.cpu.emitted;

import io.github.vlm4j.core.tensor.DType;
import java.util.List;

/**
 * The code of two queries' products with keys, and of two results' sums of values, which are read
 * once for both. Keys, or values, are read as several streams that lie far apart, which processors
 * fetch ahead each by itself.
 */
final class FewQueriesCode {

  /** The floats of a head that a turn of a loop takes. */
  static final int STEP = 32;

  /** Keys that are read side by side. */
  static final int STREAMS = 4;

  /** The bytes that caches hold together. */
  private static final int LINE = 64;

  /** How far ahead keys are asked for, in bytes; what is behind the last one does no harm. */
  private static final int AHEAD = 256;

  /** The halves of two vectors that come together: the lower two, the upper two. */
  private static final int LOWER = 0x20;

  private static final int UPPER = 0x31;

  /** A shuffle that brings neighbours to each other's place. */
  private static final int NEIGHBOURS = 0xb1;

  private static final List<Gpr> STREAM = List.of(Gpr.RDI, Gpr.R8, Gpr.R9, Gpr.R10);

  private final Assembler a;
  private final CallingConvention convention;
  private final FloatVectors floats;
  private final int lanes;

  /** Creates what writes to an assembler, with vectors as long as a tile's. */
  FewQueriesCode(Assembler assembler, CallingConvention convention, FloatTile tile) {
    this.a = assembler;
    this.convention = convention;
    this.floats = tile.floats().apply(assembler);
    this.lanes = tile.lanes();
  }

  private static Zmm v(int number) {
    return new Zmm(number);
  }

  /**
   * Writes the function that multiplies two queries with keys. Its arguments:
   *
   * <ol start="0">
   *   <li>the keys
   *   <li>the bytes before the first key
   *   <li>the bytes from a stream to the next
   *   <li>the bytes from a key of a stream to the next
   *   <li>the keys of a stream, at least 1
   *   <li>what a query lies in
   *   <li>the bytes before it
   *   <li>what the other query lies in
   *   <li>the bytes before it
   *   <li>the floats of a query, a multiple of {@link #STEP} above 0
   *   <li>where the products go: for each place in the streams the first query's with all of them
   *   <li>the bytes before the first query's
   *   <li>the bytes from there to the other query's
   * </ol>
   *
   * @param keys the type of keys: F32, F16 or BF16
   * @param streams how many keys are read side by side: 1 or {@link #STREAMS}
   * @return where it begins
   */
  int score(DType keys, int streams) {
    int at = a.position();
    Frame frame = new Frame(a, convention);
    point(frame, keys, streams);
    Label row = new Label();
    Label next = new Label();
    a.place(row);
    for (int i = 0; i < 2 * streams; i++) {
      a.op(Vex.VPXOR, v(i), v(i), v(i));
    }
    a.mov(Gpr.RCX, Gpr.RBX);
    a.neg(Gpr.RCX);
    a.place(next);
    lookAhead(keys, streams);
    for (int d = 0; d < STEP; d += lanes) {
      Zmm first = v(8);
      Zmm second = v(9);
      floats.load(first, Gpr.RSI.plus(Gpr.RCX, Float.BYTES).plus(Float.BYTES * d));
      floats.load(second, Gpr.RDX.plus(Gpr.RCX, Float.BYTES).plus(Float.BYTES * d));
      for (int i = 0; i < streams; i++) {
        Zmm key = v(10 + i % 2);
        floats.load(keys, key, element(keys, i, d));
        floats.op(FloatOp.ADD_PRODUCT, v(i), key, first);
        floats.op(FloatOp.ADD_PRODUCT, v(streams + i), key, second);
      }
    }
    a.add(Gpr.RCX, STEP);
    a.jump(Condition.NOT_EQUAL, next);
    for (int i = 0; i < 2 * streams; i++) {
      floats.sumToEight(v(i), v(8));
    }
    if (streams == 1) {
      storeSums();
    } else {
      storeSumsOfFour();
    }
    advance(streams, row);
    frame.leave();
    return at;
  }

  /** Stores the sums of the lanes of vectors 0 and 1. */
  private void storeSums() {
    a.op(Vex.VHADDPS, v(0), v(0), v(1));
    a.op(Vex.VHADDPS, v(0), v(0), v(0));
    a.op(Vex.VPERM2I128, v(1), v(0), v(0), UPPER);
    a.op(Vex.VADDPS, v(0), v(0), v(1));
    a.op(Vex.VMOVSS_STORE, v(0), Gpr.R12.at());
    a.op(Vex.VPSHUFD, v(1), v(0), NEIGHBOURS);
    a.op(Vex.VMOVSS_STORE, v(1), Gpr.R12.plus(Gpr.R13, 1));
  }

  /** Stores the sums of the lanes of vectors 0 to 3, and of 4 to 7. */
  private void storeSumsOfFour() {
    for (int i = 0; i < 2 * STREAMS; i += 2) {
      a.op(Vex.VHADDPS, v(i), v(i), v(i + 1));
    }
    for (int i = 0; i < 2 * STREAMS; i += 4) {
      a.op(Vex.VHADDPS, v(i), v(i), v(i + 2));
    }
    a.op(Vex.VPERM2I128, v(1), v(0), v(4), LOWER);
    a.op(Vex.VPERM2I128, v(2), v(0), v(4), UPPER);
    a.op(Vex.VADDPS, v(0), v(1), v(2));
    a.op(Vex.VMOVUPS_XMM_STORE, v(0), Gpr.R12.at());
    a.op(Vex.VPERM2I128, v(1), v(0), v(0), UPPER);
    a.op(Vex.VMOVUPS_XMM_STORE, v(1), Gpr.R12.plus(Gpr.R13, 1));
  }

  /**
   * Writes the function that adds weighted values to two results. Its arguments:
   *
   * <ol start="0">
   *   <li>the values
   *   <li>the bytes before the first value
   *   <li>the bytes from a stream to the next
   *   <li>the bytes from a value of a stream to the next
   *   <li>the values of a stream, at least 1
   *   <li>what a result lies in
   *   <li>the bytes before it
   *   <li>what the other result lies in
   *   <li>the bytes before it
   *   <li>the floats of a result, a multiple of {@link #STEP} above 0
   *   <li>the weights of values, in the order of {@link #score}
   *   <li>the bytes before those for the first result
   *   <li>the bytes from there to those for the other result
   * </ol>
   *
   * @param values the type of values: F32, F16 or BF16
   * @param streams how many values are read side by side: 1 or {@link #STREAMS}
   * @return where it begins
   */
  int add(DType values, int streams) {
    int at = a.position();
    Frame frame = new Frame(a, convention);
    point(frame, values, streams);
    Label row = new Label();
    Label next = new Label();
    a.place(row);
    for (int i = 0; i < streams; i++) {
      floats.broadcast(v(i), Gpr.R12.at(Float.BYTES * i));
      floats.broadcast(v(streams + i), Gpr.R12.plus(Gpr.R13, 1).plus(Float.BYTES * i));
    }
    a.mov(Gpr.RCX, Gpr.RBX);
    a.neg(Gpr.RCX);
    a.place(next);
    lookAhead(values, streams);
    for (int d = 0; d < STEP; d += lanes) {
      Zmm first = v(8);
      Zmm second = v(9);
      Mem firstAt = Gpr.RSI.plus(Gpr.RCX, Float.BYTES).plus(Float.BYTES * d);
      Mem secondAt = Gpr.RDX.plus(Gpr.RCX, Float.BYTES).plus(Float.BYTES * d);
      floats.load(first, firstAt);
      floats.load(second, secondAt);
      for (int i = 0; i < streams; i++) {
        Zmm value = v(10 + i % 2);
        floats.load(values, value, element(values, i, d));
        floats.op(FloatOp.ADD_PRODUCT, first, value, v(i));
        floats.op(FloatOp.ADD_PRODUCT, second, value, v(streams + i));
      }
      floats.store(first, firstAt);
      floats.store(second, secondAt);
    }
    a.add(Gpr.RCX, STEP);
    a.jump(Condition.NOT_EQUAL, next);
    advance(streams, row);
    frame.leave();
    return at;
  }

  /**
   * Sets registers to the arguments: each stream points to the end of its first row, and rsi and
   * rdx to the ends of what there is two of, from where an index counts up to zero; r11 is the
   * distance of rows, r15 their number and rbx their length; r12 points to a factor for each row,
   * and r13 is how far the others are from there.
   */
  private void point(Frame frame, DType type, int streams) {
    a.mov(Gpr.RBX, frame.argument(9));
    address(frame, 0, Gpr.RDI);
    a.lea(Gpr.RDI, Gpr.RDI.plus(Gpr.RBX, bytes(type)));
    a.mov(Gpr.RAX, frame.argument(2));
    for (int i = 1; i < streams; i++) {
      a.mov(STREAM.get(i), STREAM.get(i - 1));
      a.add(STREAM.get(i), Gpr.RAX);
    }
    a.mov(Gpr.R11, frame.argument(3));
    a.mov(Gpr.R15, frame.argument(4));
    address(frame, 5, Gpr.RSI);
    a.lea(Gpr.RSI, Gpr.RSI.plus(Gpr.RBX, Float.BYTES));
    address(frame, 7, Gpr.RDX);
    a.lea(Gpr.RDX, Gpr.RDX.plus(Gpr.RBX, Float.BYTES));
    address(frame, 10, Gpr.R12);
    a.mov(Gpr.R13, frame.argument(12));
  }

  /** Sets a register to an argument plus the bytes that the next argument says. */
  private void address(Frame frame, int argument, Gpr register) {
    a.mov(register, frame.argument(argument));
    a.mov(Gpr.RAX, frame.argument(argument + 1));
    a.add(register, Gpr.RAX);
  }

  private void lookAhead(DType type, int streams) {
    for (int i = 0; i < streams; i++) {
      for (int line = 0; line < STEP * bytes(type); line += LINE) {
        a.prefetch(STREAM.get(i).plus(Gpr.RCX, bytes(type)).plus(AHEAD + line));
      }
    }
  }

  /** Goes on with the next row of each stream while there is one. */
  private void advance(int streams, Label row) {
    for (int i = 0; i < streams; i++) {
      a.add(STREAM.get(i), Gpr.R11);
    }
    a.add(Gpr.R12, Float.BYTES * streams);
    a.sub(Gpr.R15, 1);
    a.jump(Condition.NOT_EQUAL, row);
  }

  private static Mem element(DType type, int stream, int d) {
    return STREAM.get(stream).plus(Gpr.RCX, bytes(type)).plus(bytes(type) * d);
  }

  private static int bytes(DType type) {
    return (int) type.bytes(1);
  }
}
