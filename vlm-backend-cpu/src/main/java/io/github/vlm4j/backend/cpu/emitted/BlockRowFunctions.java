package io.github.vlm4j.backend.cpu.emitted;

import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.core.tensor.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;

/** The functions of {@link BlockRowCode}, ready to be called, for one thing that rows become. */
final class BlockRowFunctions {

  private static final FunctionDescriptor DECODE = Calls.arguments("allallll");

  /** Weights of one call, which ends before anybody who waits for garbage collection notices. */
  private static final int CALL_WEIGHTS = 1 << 18;

  private final int groupBytes;
  private final Map<DType, MethodHandle> decode = new EnumMap<>(DType.class);

  /** The weights of a type that are decoded together. */
  private final Map<DType, Integer> together = new EnumMap<>(DType.class);

  /**
   * Makes the code.
   *
   * @param writer what writes what blocks become
   * @param arena how long it lives
   * @throws ExecutableMemory.Refused if the system does not allow that
   */
  BlockRowFunctions(Function<Assembler, BlockRowCode.Block> writer, Arena arena) {
    Assembler assembler = new Assembler();
    CallingConvention convention = CallingConvention.ofThisSystem();
    BlockRowCode.Block code = writer.apply(assembler);
    groupBytes = code.groupBytes();
    Map<DType, Integer> positions = new EnumMap<>(DType.class);
    for (DType type : code.types()) {
      positions.put(type, BlockRowCode.write(assembler, convention, type, code));
      together.put(type, type.blockElements() * code.together(type));
    }
    ExecutableMemory memory = ExecutableMemory.of(assembler.code(), arena);
    positions.forEach((type, at) -> decode.put(type, memory.function(at, DECODE)));
  }

  /** Returns whether there is a function for weights of a type. */
  boolean takes(DType weights) {
    return decode.containsKey(weights);
  }

  /** Returns whether there is one for all rows of a matrix. */
  boolean takes(Matrix w) {
    Integer weights = together.get(w.dtype());
    return weights != null && w.columns() % weights == 0;
  }

  /**
   * Decodes rows.
   *
   * @param w a matrix that {@link #takes(Matrix)}
   * @param to receives a row after the other
   * @param toApart the bytes from one of them to the next
   */
  void decode(Matrix w, int row, int rows, MemorySegment to, long toApart) {
    int columns = w.columns();
    if (columns == 0) {
      return;
    }
    int rowsOfCall = Math.max(1, CALL_WEIGHTS / columns);
    for (int done = 0; done < rows; done += rowsOfCall) {
      call(w, row + done, Math.min(rowsOfCall, rows - done), to, done * toApart, toApart);
    }
  }

  private void call(Matrix w, int row, int rows, MemorySegment to, long toAt, long toApart) {
    MemorySegment data = w.data();
    long from = w.rowOffset(row);
    long apart = w.rowOffset(1);
    long count = rows;
    long blocks = w.columns() / of(together, w.dtype());
    // Slices would be checked too, but each would be an object.
    Objects.checkFromIndexSize(from, apart * count, data.byteSize());
    long written = (count - 1) * toApart + (long) groupBytes * (w.columns() / BlockRowCode.GROUP);
    Objects.checkFromIndexSize(toAt, written, to.byteSize());
    MethodHandle function = of(decode, w.dtype());
    try {
      function.invokeExact(data, from, apart, to, toAt, toApart, blocks, count);
    } catch (Throwable e) {
      throw Calls.failed(e);
    }
  }

  private static <T> T of(Map<DType, T> map, DType type) {
    T found = map.get(type);
    if (found == null) {
      throw new IllegalArgumentException(type + " has no code here");
    }
    return found;
  }
}
