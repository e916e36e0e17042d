package io.github.vlm4j.backend.cpu.emitted;

import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.core.tensor.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Objects;
import java.util.function.Function;

/** The functions of {@link BlockRowCode}, ready to be called, for one thing that rows become. */
final class BlockRowFunctions {

  private static final FunctionDescriptor DECODE = Calls.arguments("allallll");

  /** Weights of one call, which ends before anybody who waits for garbage collection notices. */
  private static final int CALL_WEIGHTS = 1 << 18;

  private final int groupBytes;
  private final MethodHandle eightBits;
  private final MethodHandle fourBits;
  private final MethodHandle superFourBits;
  private final MethodHandle superSixBits;

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
    int eightBitsAt = BlockRowCode.write(assembler, convention, DType.Q8_0, code);
    int fourBitsAt = BlockRowCode.write(assembler, convention, DType.Q4_0, code);
    int superFourBitsAt = BlockRowCode.write(assembler, convention, DType.Q4_K, code);
    int superSixBitsAt = BlockRowCode.write(assembler, convention, DType.Q6_K, code);
    ExecutableMemory memory = ExecutableMemory.of(assembler.code(), arena);
    eightBits = memory.function(eightBitsAt, DECODE);
    fourBits = memory.function(fourBitsAt, DECODE);
    superFourBits = memory.function(superFourBitsAt, DECODE);
    superSixBits = memory.function(superSixBitsAt, DECODE);
  }

  /** Returns whether there is a function for weights of a type. */
  boolean takes(DType weights) {
    return BlockRowCode.takes(weights);
  }

  /**
   * Decodes rows.
   *
   * @param w of a type that {@link #takes}
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
    DType type = w.dtype();
    MemorySegment data = w.data();
    long from = w.rowOffset(row);
    long apart = w.rowOffset(1);
    long count = rows;
    long blocks = w.columns() / type.blockElements();
    // Slices would be checked too, but each would be an object.
    Objects.checkFromIndexSize(from, apart * count, data.byteSize());
    long written = (count - 1) * toApart + (long) groupBytes * (w.columns() / BlockRowCode.GROUP);
    Objects.checkFromIndexSize(toAt, written, to.byteSize());
    try {
      switch (type) {
        case Q8_0 -> eightBits.invokeExact(data, from, apart, to, toAt, toApart, blocks, count);
        case Q4_0 -> fourBits.invokeExact(data, from, apart, to, toAt, toApart, blocks, count);
        case Q4_K -> superFourBits.invokeExact(data, from, apart, to, toAt, toApart, blocks, count);
        case Q6_K -> superSixBits.invokeExact(data, from, apart, to, toAt, toApart, blocks, count);
        default -> throw new IllegalArgumentException(type + " is not stored in blocks");
      }
    } catch (Throwable e) {
      throw Calls.failed(e);
    }
  }
}
