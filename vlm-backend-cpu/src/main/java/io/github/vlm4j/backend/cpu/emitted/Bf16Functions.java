package io.github.vlm4j.backend.cpu.emitted;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * The functions of {@link Bf16Code} and {@link Bf16AttentionCode}, ready to be called. Distances
 * are in bytes.
 */
final class Bf16Functions {

  private static final int LINE_BYTES = 64;

  /** The floats before the next line of a cache, at most. */
  static final int MOST_SKIPPED = LINE_BYTES / Float.BYTES - 1;

  private final PanelLayout layout;
  private final MethodHandle address;
  private final MethodHandle round;
  private final MethodHandle pack;
  private final MethodHandle soften;
  private final MethodHandle interleave;

  /**
   * Makes the code.
   *
   * @param layout how panels lie
   * @param arena how long it lives
   * @throws ExecutableMemory.Refused if the system does not allow that
   */
  Bf16Functions(PanelLayout layout, Arena arena) {
    this.layout = layout;
    Assembler assembler = new Assembler();
    CallingConvention convention = CallingConvention.ofThisSystem();
    Bf16Code products = new Bf16Code(assembler, convention);
    Bf16AttentionCode attention = new Bf16AttentionCode(assembler, convention);
    int addressAt = products.address();
    int roundAt = products.round();
    int packAt = products.pack(layout);
    int softenAt = attention.soften();
    int interleaveAt = attention.interleave();
    ExecutableMemory memory = ExecutableMemory.of(assembler.code(), arena);
    address = memory.function(addressAt, FunctionDescriptor.of(JAVA_LONG, ADDRESS));
    round = memory.function(roundAt, arguments("alallll"));
    pack = memory.function(packAt, arguments("alall"));
    soften = memory.function(softenAt, arguments("alallaaallll"));
    interleave = memory.function(interleaveAt, arguments("aalalll"));
  }

  /** Describes a function by a letter for each argument: an address or a whole number. */
  static FunctionDescriptor arguments(String letters) {
    return FunctionDescriptor.ofVoid(
        letters
            .chars()
            .mapToObj(letter -> letter == 'a' ? ADDRESS : JAVA_LONG)
            .toArray(MemoryLayout[]::new));
  }

  /** Returns a mask of some lanes, less than 64. */
  static long lanes(long count) {
    return (1L << count) - 1;
  }

  /**
   * Returns the first place in an array that begins a line of a cache, where rows of 64 bytes are
   * read twice as fast as elsewhere. It is a matter of speed alone: the array may be moved later
   * on.
   *
   * @param at where to look from; at most {@link #MOST_SKIPPED} floats are skipped
   */
  int aligned(float[] array, int at) {
    try {
      long bytes =
          (long) address.invokeExact(MemorySegment.ofArray(array)) + (long) Float.BYTES * at;
      return at + (int) ((-bytes & LINE_BYTES - 1) / Float.BYTES);
    } catch (Throwable e) {
      throw failed(e);
    }
  }

  /** Calls {@link Bf16Code#round} for rows of some numbers. */
  void round(MemorySegment x, long apart, MemorySegment to, long toApart, int columns, long rows) {
    long blocks = Math.ceilDiv(columns, PanelLayout.BLOCK);
    long numbers = lanes(columns - PanelLayout.BLOCK * (blocks - 1));
    try {
      round.invokeExact(x, apart, to, toApart, blocks, numbers, rows);
    } catch (Throwable e) {
      throw failed(e);
    }
  }

  /**
   * Calls {@link Bf16Code#pack} for rows of some weights.
   *
   * @param to where the group of outputs begins
   */
  void pack(MemorySegment weights, long apart, int columns, float[] to, int toAt) {
    long blocks = Math.ceilDiv(columns, PanelLayout.BLOCK);
    long lanes = lanes(columns - PanelLayout.BLOCK * (blocks - 1));
    MemorySegment group = Bf16Loops.slice(to, toAt, layout.groupFloats(columns));
    try {
      pack.invokeExact(weights, apart, group, blocks, lanes);
    } catch (Throwable e) {
      throw failed(e);
    }
  }

  /** Calls {@link Bf16AttentionCode#soften}. */
  void soften(
      MemorySegment scores,
      long scoresApart,
      MemorySegment to,
      long toApart,
      long twos,
      MemorySegment maxima,
      MemorySegment sums,
      MemorySegment results,
      long resultsApart,
      long vectors,
      long rows,
      float factor) {
    long bits = Integer.toUnsignedLong(Float.floatToRawIntBits(factor));
    try {
      soften.invokeExact(
          scores,
          scoresApart,
          to,
          toApart,
          twos,
          maxima,
          sums,
          results,
          resultsApart,
          vectors,
          rows,
          bits);
    } catch (Throwable e) {
      throw failed(e);
    }
  }

  /** Calls {@link Bf16AttentionCode#interleave} for some lanes. */
  void interleave(
      MemorySegment even,
      MemorySegment odd,
      long apart,
      MemorySegment to,
      long toApart,
      long twos,
      int lanes) {
    try {
      interleave.invokeExact(even, odd, apart, to, toApart, twos, lanes(lanes));
    } catch (Throwable e) {
      throw failed(e);
    }
  }

  /** Returns what a call that cannot throw anything of its own ended with. */
  static RuntimeException failed(Throwable e) {
    return e instanceof RuntimeException known ? known : new IllegalStateException(e);
  }
}
