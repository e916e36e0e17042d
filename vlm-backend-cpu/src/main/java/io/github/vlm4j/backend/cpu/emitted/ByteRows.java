package io.github.vlm4j.backend.cpu.emitted;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

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

/**
 * Matrix times vector for quantised weights, of inputs that are quantised to signed bytes in groups
 * of 32: an input is off by at most 1/254 of the largest of its group. Sums within a group are
 * exact, those of groups are f32, in an order that depends on the shapes alone.
 */
final class ByteRows implements RowLoops {

  private final MethodHandle quantise;
  private final MethodHandle multiply8;
  private final MethodHandle multiply4;
  private final MethodHandle multiply4k;
  private final MethodHandle multiply6k;

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
    Map<DType, Integer> at = new EnumMap<>(DType.class);
    for (DType type : new DType[] {DType.Q8_0, DType.Q4_0, DType.Q4_K, DType.Q6_K}) {
      at.put(type, code.multiply(type));
    }
    ExecutableMemory memory = ExecutableMemory.of(assembler.code(), arena);
    quantise =
        memory.function(
            quantiseAt,
            FunctionDescriptor.ofVoid(ADDRESS, JAVA_LONG, ADDRESS, JAVA_LONG, JAVA_LONG));
    FunctionDescriptor rows =
        FunctionDescriptor.ofVoid(
            ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_LONG, ADDRESS, JAVA_LONG, ADDRESS, JAVA_LONG);
    multiply8 = memory.function(at.getOrDefault(DType.Q8_0, 0), rows);
    multiply4 = memory.function(at.getOrDefault(DType.Q4_0, 0), rows);
    multiply4k = memory.function(at.getOrDefault(DType.Q4_K, 0), rows);
    multiply6k = memory.function(at.getOrDefault(DType.Q6_K, 0), rows);
  }

  @Override
  public boolean takes(Matrix w) {
    return w.dtype().isQuantised() && w.columns() > 0;
  }

  @Override
  public int scratch(int k) {
    return Math.toIntExact(RowMemory.bytes(Math.ceilDiv(k, RowMemory.GROUP)) / Float.BYTES);
  }

  @Override
  public void multiply(
      Matrix w,
      int fromRow,
      int toRow,
      MemorySegment x,
      int xAt,
      MemorySegment y,
      int yAt,
      MemorySegment scratch) {
    if (fromRow == toRow) {
      return;
    }
    long groups = w.columns() / RowMemory.GROUP;
    long fours = RowCode.offset(w.dtype()) * 0x01010101L;
    long rowBytes = w.rowOffset(1);
    long from = rowBytes * fromRow;
    long rows = (long) toRow - fromRow;
    long to = (long) Float.BYTES * (yAt + fromRow);
    try {
      quantise.invokeExact(x, (long) Float.BYTES * xAt, scratch, groups, fours);
      switch (w.dtype()) {
        case Q8_0 -> multiply8.invokeExact(w.data(), from, rowBytes, rows, scratch, groups, y, to);
        case Q4_0 -> multiply4.invokeExact(w.data(), from, rowBytes, rows, scratch, groups, y, to);
        case Q4_K -> multiply4k.invokeExact(w.data(), from, rowBytes, rows, scratch, groups, y, to);
        default -> multiply6k.invokeExact(w.data(), from, rowBytes, rows, scratch, groups, y, to);
      }
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }
}
