package io.github.vlm4j.backend.tornado.device;

import static io.github.vlm4j.backend.tornado.device.Program.elements;
import static io.github.vlm4j.backend.tornado.device.Program.extent;
import static io.github.vlm4j.backend.tornado.device.Program.fixed;
import static io.github.vlm4j.backend.tornado.device.Program.operand;
import static io.github.vlm4j.backend.tornado.device.Program.where;

import io.github.vlm4j.backend.tornado.device.kernels.AttentionKernels;
import io.github.vlm4j.backend.tornado.device.kernels.CacheKernels;
import io.github.vlm4j.core.BackendException;
import io.github.vlm4j.core.backend.MemoryPlan;
import io.github.vlm4j.core.graph.Op;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.tensor.DType;
import java.util.List;
import java.util.Objects;

/** Attention and caches as launches. */
final class AttentionLowering {

  private final Program program;
  private final PowersOfTwo powers;

  AttentionLowering(Program program, PowersOfTwo powers) {
    this.program = program;
    this.powers = powers;
  }

  /** Adds attention to keys and values of the graph. */
  void attention(Value y, Op.Attention op) {
    Value k = operand(y, 1);
    Value v = operand(y, 2);
    requireDimensions(y);
    program.addGroups(
        y,
        Kernel.ATTENTION,
        extent(y, 0) * extent(y, 1),
        program.place(y, 0),
        program.place(y, 1),
        program.place(y, 2),
        program.place(y),
        fixed(extent(y, 1)),
        fixed(extent(k, 1)),
        fixed(extent(k, 2)),
        fixed(extent(v, 2)),
        fixed(extent(k, 1) * extent(k, 2)),
        fixed(extent(k, 2)),
        fixed(extent(v, 1) * extent(v, 2)),
        fixed(extent(v, 2)),
        program.leaves().number(op.scale()),
        fixed(program.leaves().table(keys(op.causal(), op.segments(), op.keySegments()))),
        fixed(0),
        fixed(0));
  }

  /** Adds what attention gives each key. */
  void attentionWeights(Value y, Op.AttentionWeights op) {
    Value k = operand(y, 1);
    int heads = extent(y, 0);
    program.addGroups(
        y,
        Kernel.ATTENTION_WEIGHTS,
        heads * extent(y, 1),
        program.place(y, 0),
        program.place(y, 1),
        fixed(0),
        program.place(y),
        fixed(heads),
        fixed(extent(k, 1)),
        fixed(extent(k, 2)),
        fixed(0),
        fixed(extent(k, 1) * extent(k, 2)),
        fixed(extent(k, 2)),
        fixed(0),
        fixed(0),
        program.leaves().number(op.scale()),
        fixed(program.leaves().table(keys(op.causal(), op.segments(), op.keySegments()))),
        fixed(extent(y, 1)),
        fixed(extent(y, 2)));
  }

  /** Returns for each row the first key that it sees, and one past the last. */
  private static int[] keys(boolean causal, List<Integer> segments, List<Integer> keySegments) {
    int rows = segments.stream().mapToInt(Integer::intValue).sum();
    int[] keys = new int[2 * rows];
    int row = 0;
    int first = 0;
    for (int i = 0; i < segments.size(); i++) {
      int end = first + keySegments.get(i);
      for (int j = 0; j < segments.get(i); j++) {
        keys[2 * row] = first;
        keys[2 * row + 1] = causal ? row + 1 : end;
        row++;
      }
      first = end;
    }
    return keys;
  }

  /** Adds attention over a cache. */
  void cachedAttention(Value y, Op.CachedAttention op) {
    Value k = operand(y, 1);
    Value v = operand(y, 2);
    requireDimensions(y);
    HostInts position = program.leaves().ints(operand(y, 3));
    program.check(() -> position.requireRoom(extent(y, 0), extent(k, 1), where(y)));
    if (k.dtype() != DType.F32) {
      storedAttention(y, op, position);
      return;
    }
    program.addGroups(
        y,
        Kernel.ATTENTION,
        extent(y, 0) * extent(y, 1),
        program.place(y, 0),
        program.place(y, 1),
        program.place(y, 2),
        program.place(y),
        fixed(extent(y, 1)),
        fixed(extent(k, 0)),
        fixed(extent(k, 2)),
        fixed(extent(v, 2)),
        fixed(extent(k, 2)),
        fixed(extent(k, 1) * extent(k, 2)),
        fixed(extent(v, 2)),
        fixed(extent(v, 1) * extent(v, 2)),
        program.leaves().number(op.scale()),
        fixed(-1),
        () -> position.array()[position.at()],
        fixed(op.window()));
  }

  private void storedAttention(Value y, Op.CachedAttention op, HostInts position) {
    Value k = operand(y, 1);
    State keys = state(k);
    State values = state(operand(y, 2));
    program.addGroups(
        y,
        Kernel.ATTENTION_STORED,
        extent(y, 0) * extent(y, 1),
        program.place(y, 0),
        keys::at,
        values::at,
        program.place(y),
        fixed(extent(y, 1)),
        fixed(extent(k, 0)),
        fixed(extent(k, 2)),
        fixed(extent(y, 2)),
        fixed(extent(k, 1)),
        program.leaves().number(op.scale()),
        () -> position.array()[position.at()],
        fixed(op.window()),
        keys::scalesAt,
        values::scalesAt,
        fixed(powers.at(k.dtype())),
        fixed(PowersOfTwo.mantissas(k.dtype())));
  }

  private State state(Value value) {
    if (MemoryPlan.root(value).op() instanceof Op.State(String name)) {
      return Objects.requireNonNull(program.leaves().states().get(name));
    }
    throw new IllegalStateException(value + " is not a state");
  }

  private static void requireDimensions(Value y) {
    if (y.shape().last() > AttentionKernels.MOST_DIMENSIONS) {
      throw new BackendException(
          where(y)
              + ": the tornado backend takes values of at most "
              + AttentionKernels.MOST_DIMENSIONS
              + " numbers for each head, not "
              + y.shape()
              + ".");
    }
  }

  /** Adds the writing of rows to a cache. */
  void append(Value y) {
    Value rows = operand(y, 1);
    HostInts position = program.leaves().ints(operand(y, 2));
    program.check(() -> position.requireRoom(extent(rows, 0), extent(y, 1), where(y)));
    boolean blocks = y.dtype() == DType.Q8_0;
    boolean floats = y.dtype() == DType.F32;
    program.add(
        y,
        floats ? Kernel.APPEND : blocks ? Kernel.APPEND_BLOCKS : Kernel.APPEND_HALVES,
        blocks ? elements(rows) / CacheKernels.BLOCK : elements(rows),
        program.place(y, 1),
        floats ? program.place(y) : state(y)::at,
        fixed(extent(y, 0)),
        fixed(extent(y, 2)),
        fixed(extent(y, 1)),
        () -> position.array()[position.at()],
        fixed(powers.at(DType.BF16)),
        blocks ? state(y)::scalesAt : fixed(PowersOfTwo.mantissas(y.dtype())),
        fixed(powers.at(DType.F16)),
        fixed(CacheKernels.BLOCK));
  }
}
