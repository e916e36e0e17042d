package io.github.vlm4j.backend.cpu.emitted;

import io.github.vlm4j.backend.cpu.kernel.AttentionTask;
import io.github.vlm4j.backend.cpu.kernel.FewQueriesLoops;
import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.core.tensor.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Attention of few queries in f32, keys and values in f32, f16 or bf16 with {@link FewQueriesCode}.
 */
final class FewQueries implements FewQueriesLoops {

  private final int lanes;
  private final MethodHandle soften;
  private final Functions f32;
  private final Functions f16;
  private final Functions bf16;

  /**
   * Makes the code.
   *
   * @param tile says how long vectors are
   * @param arena how long it lives
   * @throws ExecutableMemory.Refused if the system does not allow that
   */
  FewQueries(FloatTile tile, Arena arena) {
    lanes = tile.lanes();
    Assembler assembler = new Assembler();
    CallingConvention convention = CallingConvention.ofThisSystem();
    int softenAt = new FloatSoftmaxCode(assembler, convention, tile).softenRow();
    soften =
        ExecutableMemory.of(assembler.code(), arena).function(softenAt, Calls.arguments("alllll"));
    f32 = Functions.make(DType.F32, tile, arena);
    f16 = Functions.make(DType.F16, tile, arena);
    bf16 = Functions.make(DType.BF16, tile, arena);
  }

  /**
   * The functions for keys and values of a type.
   *
   * @param score products with keys
   * @param add sums of values
   */
  private record Functions(MethodHandle score, MethodHandle add) {

    static Functions make(DType type, FloatTile tile, Arena arena) {
      Assembler assembler = new Assembler();
      FewQueriesCode code = new FewQueriesCode(assembler, CallingConvention.ofThisSystem(), tile);
      int score = code.score(type);
      int add = code.add(type);
      ExecutableMemory memory = ExecutableMemory.of(assembler.code(), arena);
      FunctionDescriptor descriptor = Calls.arguments("alllllalallall");
      return new Functions(memory.function(score, descriptor), memory.function(add, descriptor));
    }
  }

  @Override
  public boolean takes(AttentionTask task) {
    return task.headDim > 0
        && task.valueDim > 0
        && task.headDim % FewQueriesCode.STEP == 0
        && task.valueDim % FewQueriesCode.STEP == 0
        && reads(task.storedK)
        && reads(task.storedV);
  }

  private static boolean reads(@Nullable Matrix stored) {
    return stored == null || stored.dtype() == DType.F16 || stored.dtype() == DType.BF16;
  }

  @Override
  public void score(
      AttentionTask task, int a, int b, int key, int keys, float[] scratch, int at, int apart) {
    int n = task.headDim;
    int toA = task.qAt + a * task.qStride;
    int toB = task.qAt + b * task.qStride;
    Objects.checkFromIndexSize(toA, n, task.q.length);
    Objects.checkFromIndexSize(toB, n, task.q.length);
    Objects.checkFromIndexSize(at, apart + keys, scratch.length);
    Matrix stored = task.storedK;
    MemorySegment rows = stored == null ? task.kSegment() : stored.data();
    long from =
        stored == null
            ? first(task.k, task.kAt + key * task.kStride, task.kStride, keys, n)
            : first(stored, task.storedAt + key, keys);
    long step = stored == null ? bytes(task.kStride) : stored.rowOffset(1);
    call(
        functions(stored).score,
        rows,
        from,
        step,
        keys,
        task.qSegment(),
        toA,
        task.qSegment(),
        toB,
        n,
        task.scratchSegment(scratch),
        at,
        apart);
  }

  @Override
  public void soften(AttentionTask task, int keys, float[] scratch, int at, int greatest, int sum) {
    int end = at + Math.ceilDiv(keys, lanes) * lanes;
    Objects.checkFromToIndex(at, end, scratch.length);
    Objects.checkIndex(greatest, scratch.length);
    Objects.checkIndex(sum, scratch.length);
    // What is behind the last key must be no score.
    Arrays.fill(scratch, at + keys, end, Float.NEGATIVE_INFINITY);
    try {
      soften.invokeExact(
          task.scratchSegment(scratch),
          bytes(at),
          (end - at) / (long) lanes,
          (long) Float.floatToRawIntBits(task.scale),
          bytes(greatest),
          bytes(sum));
    } catch (Throwable e) {
      throw Calls.failed(e);
    }
  }

  @Override
  public void addValues(
      AttentionTask task,
      int a,
      int b,
      int key,
      int keys,
      float[] scratch,
      int at,
      int apart,
      int spare) {
    int n = task.valueDim;
    int toA = task.outAt + a * task.outStride;
    int toB = a == b ? spare : task.outAt + b * task.outStride;
    Objects.checkFromIndexSize(toA, n, task.out.length);
    Objects.checkFromIndexSize(toB, n, a == b ? scratch.length : task.out.length);
    Objects.checkFromIndexSize(at, apart + keys, scratch.length);
    Matrix stored = task.storedV;
    MemorySegment rows = stored == null ? task.vSegment() : stored.data();
    long from =
        stored == null
            ? first(task.v, task.vAt + key * task.vStride, task.vStride, keys, n)
            : first(stored, task.storedAt + key, keys);
    long step = stored == null ? bytes(task.vStride) : stored.rowOffset(1);
    MemorySegment weights = task.scratchSegment(scratch);
    call(
        functions(stored).add,
        rows,
        from,
        step,
        keys,
        task.outSegment(),
        toA,
        a == b ? weights : task.outSegment(),
        toB,
        n,
        weights,
        at,
        apart);
  }

  /** Returns the bytes before the first of some rows, after a check that they are there. */
  private static long first(float[] x, int at, int stride, int rows, int n) {
    return bytes(Objects.checkFromIndexSize(at, (rows - 1) * stride + n, x.length));
  }

  private static long first(Matrix stored, int row, int rows) {
    return stored.rowOffset(Objects.checkFromIndexSize(row, rows, stored.rows()));
  }

  private Functions functions(@Nullable Matrix stored) {
    if (stored == null) {
      return f32;
    }
    return stored.dtype() == DType.F16 ? f16 : bf16;
  }

  /**
   * Calls a function.
   *
   * @param from the bytes before the first row
   * @param step the bytes from a row to the next
   */
  private static void call(
      MethodHandle function,
      MemorySegment rows,
      long from,
      long step,
      int count,
      MemorySegment first,
      int firstAt,
      MemorySegment second,
      int secondAt,
      long n,
      MemorySegment factors,
      int factorsAt,
      int apart) {
    long stream = count / FewQueriesCode.STREAMS;
    try {
      function.invokeExact(
          rows,
          from,
          stream * step,
          step,
          stream,
          (long) count % FewQueriesCode.STREAMS,
          first,
          bytes(firstAt),
          second,
          bytes(secondAt),
          n,
          factors,
          bytes(factorsAt),
          bytes(apart));
    } catch (Throwable e) {
      throw Calls.failed(e);
    }
  }

  private static long bytes(long floats) {
    return Float.BYTES * floats;
  }
}
