package io.github.vlm4j.core.backend;

import io.github.vlm4j.core.graph.Graph;
import io.github.vlm4j.core.graph.Op;
import io.github.vlm4j.core.graph.Value;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Where each computed value of a graph lies in one block of memory. Values that are never needed at
 * the same time share memory, an operation that may write over its operand does so if nobody else
 * reads that operand, and views (ranges of rows, other shapes) are their operand. Outputs are kept
 * to the end; one that is itself an input, a state or another leaf gets a place to be copied to.
 *
 * <p>Places are given to the largest values first, each the lowest that is free during its life
 * (Pisarchyk and Lee, 2020, "greedy by size").
 */
public final class MemoryPlan {

  /** Places begin at a multiple of this many floats, a cache line. */
  private static final int ALIGNMENT = 16;

  /** A place and the first and last operation that use it. */
  private static final class Block {
    final long floats;
    final int first;
    int last;
    long at;

    Block(long floats, int first, int last) {
      this.floats = floats;
      this.first = first;
      this.last = last;
    }

    boolean livesWith(Block other) {
      return first <= other.last && other.first <= last;
    }
  }

  private final Map<Value, Value> parts;
  private final Map<Value, Integer> lastUses = new HashMap<>();
  private final Map<Value, Block> blocks = new HashMap<>();
  private final Map<Value, Block> copies = new HashMap<>();
  private final long floats;

  private MemoryPlan(Graph graph, Map<Value, Value> parts) {
    this.parts = parts;
    List<Value> values = graph.values();
    findLastUses(graph);
    List<Block> all = new ArrayList<>();
    for (int i = 0; i < values.size(); i++) {
      Value value = values.get(i);
      if (root(value).equals(value) && !isLeaf(value) && !parts.containsKey(value)) {
        Block block = overwritten(value, i);
        if (block == null) {
          block = new Block(value.shape().elements(), i, i);
          all.add(block);
        }
        block.last = lastUses.getOrDefault(value, i);
        blocks.put(value, block);
      }
    }
    for (Value output : Set.copyOf(graph.outputs().values())) {
      if (isLeaf(root(output))) {
        Block block = new Block(output.shape().elements(), values.size(), Integer.MAX_VALUE);
        all.add(block);
        copies.put(output, block);
      }
    }
    floats = place(all);
  }

  /** Plans the memory of a graph. */
  public static MemoryPlan of(Graph graph) {
    return of(graph, Map.of());
  }

  /**
   * Plans the memory of a graph some of whose values are computed only as parts of later ones.
   * Those have no place, and what they read is kept until the later ones have been computed.
   *
   * @param parts values that are no outputs and have no views, each with the last of its readers
   */
  public static MemoryPlan of(Graph graph, Map<Value, Value> parts) {
    return new MemoryPlan(graph, parts);
  }

  /** Returns the floats of all places together. */
  public long floats() {
    return floats;
  }

  /** Returns whether an output is no computed value and has to be copied to its place. */
  public boolean isCopied(Value output) {
    return copies.containsKey(output);
  }

  /** Returns where an output that {@link #isCopied} is copied to. */
  public long copyAt(Value output) {
    return Objects.requireNonNull(copies.get(output)).at;
  }

  /** Returns where a computed value, or a view of one, begins. */
  public long at(Value value) {
    return Objects.requireNonNull(blocks.get(root(value))).at + offset(value);
  }

  /** Returns the value whose memory a value is a view of; itself if it is none. */
  public static Value root(Value value) {
    Value root = value;
    while (isView(root)) {
      root = root.operands().get(0);
    }
    return root;
  }

  /** Returns the number of elements of its root's memory before a value's first one. */
  public static long offset(Value value) {
    long offset = 0;
    Value view = value;
    while (isView(view)) {
      if (view.op() instanceof Op.Rows rows && view.shape().elements() > 0) {
        offset += rows.from() * (view.shape().elements() / view.shape().dim(0));
      }
      view = view.operands().get(0);
    }
    return offset;
  }

  /** Returns whether a value is given rather than computed. */
  public static boolean isLeaf(Value value) {
    return switch (value.op()) {
      case Op.Input input -> true;
      case Op.State state -> true;
      case Op.Parameter parameter -> true;
      case Op.Constant constant -> true;
      default -> false;
    };
  }

  private static boolean isView(Value value) {
    return switch (value.op()) {
      case Op.Rows rows -> true;
      case Op.Reshape reshape -> true;
      case Op.Append append -> true;
      default -> false;
    };
  }

  private void findLastUses(Graph graph) {
    List<Value> values = graph.values();
    Map<Value, Integer> steps = new HashMap<>();
    for (int i = values.size() - 1; i >= 0; i--) {
      Value value = values.get(i);
      Value whole = parts.get(value);
      int step = whole == null ? i : Objects.requireNonNull(steps.get(whole));
      steps.put(value, step);
      for (Value operand : value.operands()) {
        lastUses.merge(root(operand), step, Math::max);
      }
    }
    for (Value output : graph.outputs().values()) {
      lastUses.put(root(output), Integer.MAX_VALUE);
    }
  }

  /**
   * Returns the block of an operand that the operation may write its result to, if there is one.
   */
  private @Nullable Block overwritten(Value value, int step) {
    List<Value> operands = value.operands();
    int candidates =
        switch (value.op()) {
          case Op.Add add -> 2;
          case Op.Multiply multiply -> 2;
          case Op.Gate gate -> 2;
          case Op.Activate activate -> 1;
          case Op.Rope rope -> 1;
          case Op.Scatter scatter -> 1;
          default -> 0;
        };
    for (int i = 0; i < candidates; i++) {
      Value candidate = operands.get(i);
      boolean byRows = parts.containsKey(candidate) && candidate.op() instanceof Op.RmsNorm;
      if (byRows) {
        // All of a row is read before any of it is written.
        candidate = candidate.operands().get(0);
      }
      Value root = root(candidate);
      Block block = blocks.get(root);
      if (block != null
          && block.last == step
          && block.floats == value.shape().elements()
          && candidate.shape().elements() == block.floats
          && operands.stream().filter(operand -> root(operand).equals(root)).count()
              == (byRows ? 0 : 1)
          && (byRows || !isReadByParts(value, root))) {
        return block;
      }
    }
    return null;
  }

  private boolean isReadByParts(Value value, Value root) {
    return value.operands().stream()
        .filter(parts::containsKey)
        .anyMatch(part ->
            part.operands().stream().anyMatch(operand -> root(operand).equals(root))
                || isReadByParts(part, root));
  }

  private static long place(List<Block> blocks) {
    List<Block> placed = new ArrayList<>();
    long end = 0;
    List<Block> largestFirst =
        blocks.stream().sorted(Comparator.comparingLong((Block block) -> -block.floats)).toList();
    for (Block block : largestFirst) {
      long at = 0;
      int index = 0;
      for (int i = 0; i < placed.size(); i++) {
        Block other = placed.get(i);
        if (block.livesWith(other) && at + block.floats > other.at) {
          at = Math.max(at, aligned(other.at + other.floats));
        }
      }
      while (index < placed.size() && placed.get(index).at <= at) {
        index++;
      }
      block.at = at;
      placed.add(index, block);
      end = Math.max(end, at + block.floats);
    }
    return end;
  }

  private static long aligned(long floats) {
    return Math.ceilDiv(floats, (long) ALIGNMENT) * ALIGNMENT;
  }
}
