package io.github.vlm4j.backend.cpu.emitted;

import io.github.vlm4j.core.tensor.DType;
import java.util.List;
import java.util.function.IntConsumer;

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

  /** Vectors of what there is two of. */
  private static final Zmm FIRST = new Zmm(8);

  private static final Zmm SECOND = new Zmm(9);

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
   *   <li>the keys of a stream
   *   <li>the keys behind the last stream
   *   <li>what a query lies in
   *   <li>the bytes before it
   *   <li>what the other query lies in
   *   <li>the bytes before it
   *   <li>the floats of a query, a multiple of {@link #STEP} above 0
   *   <li>where the products go: for each place in the streams the first query's with all of them,
   *       then those with the keys behind
   *   <li>the bytes before the first query's
   *   <li>the bytes from there to the other query's
   * </ol>
   *
   * @param keys the type of keys: F32, F16 or BF16
   * @return where it begins
   */
  int score(DType keys) {
    return function(
        keys,
        streams -> {
          for (int i = 0; i < 2 * streams; i++) {
            a.op(Vex.VPXOR, v(i), v(i), v(i));
          }
        },
        (streams, d) -> {
          floats.load(FIRST, one(d));
          floats.load(SECOND, other(d));
          for (int i = 0; i < streams; i++) {
            Zmm key = v(10 + i % 2);
            floats.load(keys, key, element(keys, i, d));
            floats.op(FloatOp.ADD_PRODUCT, v(i), key, FIRST);
            floats.op(FloatOp.ADD_PRODUCT, v(streams + i), key, SECOND);
          }
        },
        streams -> {
          for (int i = 0; i < 2 * streams; i++) {
            floats.sumToEight(v(i), FIRST);
          }
          if (streams == 1) {
            storeSums();
          } else {
            storeSumsOfFour();
          }
        });
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
   *   <li>the values of a stream
   *   <li>the values behind the last stream
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
   * @return where it begins
   */
  int add(DType values) {
    return function(
        values,
        streams -> {
          for (int i = 0; i < streams; i++) {
            floats.broadcast(v(i), Gpr.R12.at(Float.BYTES * i));
            floats.broadcast(v(streams + i), Gpr.R12.plus(Gpr.R13, 1).plus(Float.BYTES * i));
          }
        },
        (streams, d) -> {
          floats.load(FIRST, one(d));
          floats.load(SECOND, other(d));
          for (int i = 0; i < streams; i++) {
            Zmm value = v(10 + i % 2);
            floats.load(values, value, element(values, i, d));
            floats.op(FloatOp.ADD_PRODUCT, FIRST, value, v(i));
            floats.op(FloatOp.ADD_PRODUCT, SECOND, value, v(streams + i));
          }
          floats.store(FIRST, one(d));
          floats.store(SECOND, other(d));
        },
        streams -> {});
  }

  /** Writes what is done with a vector of each stream. */
  private interface Vectors {

    /**
     * Writes it.
     *
     * @param streams how many rows are read side by side
     * @param d the floats before the vector, of those of a turn
     */
    void write(int streams, int d);
  }

  /**
   * Writes a function that walks rows: those of all streams, then those behind the last one.
   *
   * @param begin writes what comes before the rows of so many streams
   * @param step writes what is done with a vector of each
   * @param end writes what comes after the rows
   */
  private int function(DType type, IntConsumer begin, Vectors step, IntConsumer end) {
    int at = a.position();
    Frame frame = new Frame(a, convention);
    point(frame, type);
    a.mov(Gpr.R15, frame.argument(4));
    rows(type, STREAMS, begin, step, end);
    // The last stream ended where the rows behind it begin.
    a.mov(STREAM.getFirst(), STREAM.getLast());
    a.mov(Gpr.R15, frame.argument(5));
    rows(type, 1, begin, step, end);
    frame.leave();
    return at;
  }

  /** Walks rows of some streams, as many as r15 says. */
  private void rows(DType type, int streams, IntConsumer begin, Vectors step, IntConsumer end) {
    Label row = new Label();
    Label next = new Label();
    Label done = new Label();
    a.cmp(Gpr.R15, 0);
    a.jump(Condition.EQUAL, done);
    a.place(row);
    begin.accept(streams);
    a.mov(Gpr.RCX, Gpr.RBX);
    a.neg(Gpr.RCX);
    a.place(next);
    lookAhead(type, streams);
    for (int d = 0; d < STEP; d += lanes) {
      step.write(streams, d);
    }
    a.add(Gpr.RCX, STEP);
    a.jump(Condition.NOT_EQUAL, next);
    end.accept(streams);
    for (int i = 0; i < streams; i++) {
      a.add(STREAM.get(i), Gpr.R11);
    }
    a.add(Gpr.R12, Float.BYTES * streams);
    a.sub(Gpr.R15, 1);
    a.jump(Condition.NOT_EQUAL, row);
    a.place(done);
  }

  /**
   * Sets registers to the arguments: each stream points to the end of its first row, and rsi and
   * rdx to the ends of what there is two of, from where an index counts up to zero; r11 is the
   * distance of rows and rbx their length; r12 points to a factor for each row, and r13 is how far
   * the others are from there.
   */
  private void point(Frame frame, DType type) {
    a.mov(Gpr.RBX, frame.argument(10));
    address(frame, 0, Gpr.RDI);
    a.lea(Gpr.RDI, Gpr.RDI.plus(Gpr.RBX, bytes(type)));
    a.mov(Gpr.RAX, frame.argument(2));
    for (int i = 1; i < STREAMS; i++) {
      a.mov(STREAM.get(i), STREAM.get(i - 1));
      a.add(STREAM.get(i), Gpr.RAX);
    }
    a.mov(Gpr.R11, frame.argument(3));
    address(frame, 6, Gpr.RSI);
    a.lea(Gpr.RSI, Gpr.RSI.plus(Gpr.RBX, Float.BYTES));
    address(frame, 8, Gpr.RDX);
    a.lea(Gpr.RDX, Gpr.RDX.plus(Gpr.RBX, Float.BYTES));
    address(frame, 11, Gpr.R12);
    a.mov(Gpr.R13, frame.argument(13));
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

  /** A vector of the first of what there is two of. */
  private static Mem one(int d) {
    return Gpr.RSI.plus(Gpr.RCX, Float.BYTES).plus(Float.BYTES * d);
  }

  private static Mem other(int d) {
    return Gpr.RDX.plus(Gpr.RCX, Float.BYTES).plus(Float.BYTES * d);
  }

  private static Mem element(DType type, int stream, int d) {
    return STREAM.get(stream).plus(Gpr.RCX, bytes(type)).plus(bytes(type) * d);
  }

  private static int bytes(DType type) {
    return (int) type.bytes(1);
  }
}
