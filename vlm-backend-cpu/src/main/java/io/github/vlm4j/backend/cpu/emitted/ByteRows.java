package io.github.vlm4j.backend.cpu.emitted;

import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.backend.cpu.kernel.RowLoops;
import io.github.vlm4j.core.tensor.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.EnumMap;
import java.util.Map;
import java.util.function.BiFunction;
import java.util.function.Function;

/**
 * Matrix times vector for quantised weights, of inputs that are quantised to signed bytes in groups
 * of 32: an input is off by at most 1/254 of the largest of its group. Sums within a group are
 * exact, those of groups are f32, in an order that depends on the shapes alone.
 */
final class ByteRows implements RowLoops {

  /** The code for a type of weights: of several rows side by side, and of one. */
  private record Multiply(MethodHandle several, MethodHandle one) {}

  private final CacheLines lines;
  private final long streams;
  private final MethodHandle quantise;
  private final Multiply multiply8;
  private final Multiply multiply4;
  private final Multiply multiply4k;
  private final Multiply multiply6k;

  /**
   * Makes the code.
   *
   * @param writer what writes it for this processor
   * @param arena how long it lives
   * @throws ExecutableMemory.Refused if the system does not allow that
   */
  ByteRows(BiFunction<Assembler, CallingConvention, RowCode> writer, Arena arena) {
    Assembler assembler = new Assembler();
    RowCode code = writer.apply(assembler, CallingConvention.ofThisSystem());
    int quantiseAt = code.quantise();
    Map<DType, Integer> several = new EnumMap<>(DType.class);
    Map<DType, Integer> one = new EnumMap<>(DType.class);
    for (DType type : new DType[] {DType.Q8_0, DType.Q4_0, DType.Q4_K, DType.Q6_K}) {
      one.put(type, code.multiply(type, 1));
      several.put(type, code.streams() == 1 ? one.get(type) : code.multiply(type, code.streams()));
    }
    ExecutableMemory memory = ExecutableMemory.of(assembler.code(), arena);
    lines = new CacheLines(arena);
    streams = code.streams();
    quantise = memory.function(quantiseAt, Calls.arguments("alalll"));
    FunctionDescriptor rows = Calls.arguments("alllallall");
    Function<DType, Multiply> multiply =
        type ->
            new Multiply(
                memory.function(several.getOrDefault(type, 0), rows),
                memory.function(one.getOrDefault(type, 0), rows));
    multiply8 = multiply.apply(DType.Q8_0);
    multiply4 = multiply.apply(DType.Q4_0);
    multiply4k = multiply.apply(DType.Q4_K);
    multiply6k = multiply.apply(DType.Q6_K);
  }

  @Override
  public boolean takes(Matrix w) {
    return w.dtype().isQuantised() && w.columns() > 0;
  }

  @Override
  public int scratch(int k) {
    long bytes = RowMemory.bytes(Math.ceilDiv(k, RowMemory.GROUP));
    return Math.toIntExact(bytes / Float.BYTES) + CacheLines.MOST_SKIPPED;
  }

  @Override
  public int round(Matrix w, MemorySegment x, int xAt, MemorySegment scratch) {
    int at = lines.next(scratch);
    long groups = w.columns() / RowMemory.GROUP;
    long fours = RowCode.offset(w.dtype()) * 0x01010101L;
    try {
      quantise.invokeExact(
          x, (long) Float.BYTES * xAt, scratch, (long) Float.BYTES * at, groups, fours);
    } catch (Throwable e) {
      throw Calls.failed(e);
    }
    return at;
  }

  @Override
  public void multiply(
      Matrix w,
      int fromRow,
      int toRow,
      MemorySegment scratch,
      int scratchAt,
      MemorySegment y,
      int yAt) {
    Multiply multiply =
        switch (w.dtype()) {
          case Q8_0 -> multiply8;
          case Q4_0 -> multiply4;
          case Q4_K -> multiply4k;
          default -> multiply6k;
        };
    long groups = w.columns() / RowMemory.GROUP;
    long rowBytes = w.rowOffset(1);
    long from = rowBytes * fromRow;
    long stream = (toRow - fromRow) / streams;
    long left = (toRow - fromRow) % streams;
    long inputs = (long) Float.BYTES * scratchAt;
    long to = (long) Float.BYTES * (yAt + fromRow);
    try {
      if (stream > 0) {
        multiply.several.invokeExact(
            w.data(),
            from,
            rowBytes * stream,
            stream,
            scratch,
            inputs,
            groups,
            y,
            to,
            Float.BYTES * stream);
      }
      if (left > 0) {
        long behind = streams * stream;
        multiply.one.invokeExact(
            w.data(),
            from + rowBytes * behind,
            0L,
            left,
            scratch,
            inputs,
            groups,
            y,
            to + Float.BYTES * behind,
            0L);
      }
    } catch (Throwable e) {
      throw Calls.failed(e);
    }
  }
}
