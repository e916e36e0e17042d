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

/** The functions of {@link BlockPanelCode}, ready to be called, for one kind of blocks. */
final class BlockPanelFunctions {

  private static final FunctionDescriptor LAY_OUT = Calls.arguments("allallla");
  private static final int WIDTH = BlockProductCode.WIDTH;

  /** Weights of one call, which ends before anybody who waits for garbage collection notices. */
  private static final int CALL_WEIGHTS = 1 << 18;

  /**
   * What there is for a type.
   *
   * @param weights what the columns of a matrix are a multiple of
   * @param floats what so many weights become
   * @param staging the floats of memory that the function needs
   */
  private record Layout(MethodHandle function, int weights, int floats, int staging) {}

  private final Map<DType, Layout> layouts = new EnumMap<>(DType.class);

  /**
   * Makes the code.
   *
   * @param writer what writes what blocks become
   * @param arena how long it lives
   * @throws ExecutableMemory.Refused if the system does not allow that
   */
  BlockPanelFunctions(Function<Assembler, BlockPanelCode.Block> writer, Arena arena) {
    Assembler assembler = new Assembler();
    CallingConvention convention = CallingConvention.ofThisSystem();
    BlockPanelCode.Block code = writer.apply(assembler);
    Map<DType, Integer> positions = new EnumMap<>(DType.class);
    for (DType type : code.types()) {
      positions.put(type, BlockPanelCode.write(assembler, convention, type, code));
    }
    ExecutableMemory memory = ExecutableMemory.of(assembler.code(), arena);
    positions.forEach((type, at) ->
        layouts.put(
            type,
            new Layout(
                memory.function(at, LAY_OUT),
                code.weights(type),
                code.floats(type),
                BlockPanelCode.stagingFloats(type, code))));
  }

  /** Returns whether there is a function for weights of a type. */
  boolean takes(DType weights) {
    return layouts.containsKey(weights);
  }

  /** Returns whether there is one for all rows of a matrix. */
  boolean takes(Matrix w) {
    Layout layout = layouts.get(w.dtype());
    return layout != null && w.columns() % layout.weights() == 0;
  }

  /** Returns the most floats of memory that {@link #layOut} needs. */
  int staging() {
    return layouts.values().stream().mapToInt(Layout::staging).max().orElse(0);
  }

  /**
   * Lays rows out. Behind each panel, and behind all of them, {@link BlockPanelCode#MOST_BEHIND}
   * floats may hold anything afterwards.
   *
   * @param w a matrix that {@link #takes(Matrix)}
   * @param panelAt where the first panel begins
   * @param apart the floats from a panel to the next
   * @param stagingAt where there are {@link #staging} floats
   */
  void layOut(Matrix w, int row, int rows, float[] packed, int panelAt, int apart, int stagingAt) {
    int atOnce = Math.max(1, CALL_WEIGHTS / w.columns() / WIDTH) * WIDTH;
    for (int done = 0; done < rows; done += atOnce) {
      int at = panelAt + done / WIDTH * apart;
      call(w, row + done, Math.min(atOnce, rows - done), packed, at, apart, stagingAt);
    }
  }

  private void call(
      Matrix w, int row, int rows, float[] packed, int panelAt, int apart, int stagingAt) {
    Layout layout = layouts.get(w.dtype());
    if (layout == null) {
      throw new IllegalArgumentException(w.dtype() + " has no code here");
    }
    MemorySegment data = w.data();
    long from = w.rowOffset(row);
    long rowsApart = w.rowOffset(1);
    long count = rows;
    long blocks = w.columns() / layout.weights();
    // A slice would be checked too, but it would be an object.
    Objects.checkFromIndexSize(from, rowsApart * count, data.byteSize());
    long last = (count - 1) / WIDTH * apart;
    MemorySegment panels =
        Calls.slice(
            packed, panelAt, last + blocks * layout.floats() * WIDTH + BlockPanelCode.MOST_BEHIND);
    MemorySegment staging = Calls.slice(packed, stagingAt, layout.staging());
    long panelsApart = (long) Float.BYTES * apart;
    try {
      layout
          .function()
          .invokeExact(data, from, rowsApart, panels, panelsApart, blocks, count, staging);
    } catch (Throwable e) {
      throw Calls.failed(e);
    }
  }
}
