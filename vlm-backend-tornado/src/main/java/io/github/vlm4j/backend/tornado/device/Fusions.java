package io.github.vlm4j.backend.tornado.device;

import io.github.vlm4j.backend.tornado.device.LinearShapes.Unit;
import io.github.vlm4j.core.backend.MemoryPlan;
import io.github.vlm4j.core.graph.Graph;
import io.github.vlm4j.core.graph.Op;
import io.github.vlm4j.core.graph.Value;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Which values of a graph are computed by the launch of a later one and lie nowhere themselves: the
 * projections of a gated activation, the projection that a sum adds, and norms of what is projected
 * or rotated.
 */
final class Fusions {

  /**
   * The columns of projections that norm their inputs themselves. Each work-group norms anew, which
   * costs less than a launch as long as they are not very many.
   */
  private static final int MOST_COLUMNS_OF_NORMED = 1 << 15;

  private final LinearShapes shapes;
  private final Set<Value> outputs;
  private final Map<Value, List<Value>> readers = new HashMap<>();
  private final Map<Value, Value> parts = new HashMap<>();

  Fusions(Graph graph, LinearShapes shapes) {
    this.shapes = shapes;
    this.outputs = Set.copyOf(graph.outputs().values());
    for (Value value : graph.values()) {
      for (Value operand : value.operands()) {
        readers.computeIfAbsent(operand, key -> new ArrayList<>()).add(value);
      }
    }
    for (Value value : graph.values()) {
      switch (value.op()) {
        case Op.Gate op -> joinProjections(value);
        case Op.Add op -> joinProjection(value);
        default -> {}
      }
    }
    // What a norm is a part of may be a part itself by now.
    for (Value value : graph.values()) {
      if (value.op() instanceof Op.RmsNorm) {
        joinNorm(value);
      }
    }
  }

  /** Returns the values that are parts, each with its last reader. */
  Map<Value, Value> parts() {
    return parts;
  }

  /** Returns whether a value is computed by the launch of a later one. */
  boolean isPart(Value value) {
    return parts.containsKey(value);
  }

  /** Returns whether the launch of a value computes operands of it. */
  boolean hasParts(Value value) {
    return value.operands().stream().anyMatch(parts::containsKey);
  }

  /** Returns whether a value is only read by a gated activation whose other operand is a part. */
  boolean isGate(Value value) {
    List<Value> all = readers.getOrDefault(value, List.of());
    return all.size() == 1
        && all.getFirst().op() instanceof Op.Gate
        && all.getFirst().operands().get(0).equals(value)
        && isPart(all.getFirst().operands().get(1));
  }

  /** Returns the only reader of a value that {@link #isGate}. */
  Value gated(Value gate) {
    return readers.getOrDefault(gate, List.of()).getFirst();
  }

  /** Does something with a value and all that its launch computes for it, but for leaves. */
  void visit(Value value, Consumer<Value> visitor) {
    for (Value operand : value.operands()) {
      if (value.equals(parts.get(operand))) {
        visit(operand, visitor);
      }
    }
    visitor.accept(value);
  }

  /** Does something with all values that are computed on the device and that a launch reads. */
  void visitReads(Value value, Consumer<Value> visitor) {
    for (Value operand : value.operands()) {
      if (isPart(operand)) {
        visitReads(operand, visitor);
      } else if (!MemoryPlan.isLeaf(MemoryPlan.root(operand))) {
        visitor.accept(operand);
      }
    }
  }

  private void joinProjections(Value y) {
    Value gate = y.operands().get(0);
    Value up = y.operands().get(1);
    if (isProjectionFor(gate, y)
        && isProjectionFor(up, y)
        && gate.operands().get(0).equals(up.operands().get(0))
        && gate.operands().get(1).dtype() == up.operands().get(1).dtype()
        && gate.shape().equals(up.shape())) {
      parts.put(up, y);
      if (unit(y) != Unit.TILES) {
        parts.put(gate, y);
      }
    }
  }

  private void joinProjection(Value y) {
    Value a = y.operands().get(0);
    Value b = y.operands().get(1);
    if (unit(y) == Unit.GROUP && a.shape().equals(b.shape())) {
      if (isProjectionFor(b, y)) {
        parts.put(b, y);
      } else if (isProjectionFor(a, y)) {
        parts.put(a, y);
      }
    }
  }

  private void joinNorm(Value norm) {
    List<Value> all = readers.getOrDefault(norm, List.of());
    boolean rotated = all.size() == 1 && all.getFirst().op() instanceof Op.Rope;
    if (!outputs.contains(norm)
        && !isState(norm.operands().get(0))
        && (rotated || all.stream().allMatch(this::normsItself))) {
      all.stream()
          .filter(reader -> reader.operands().get(0).equals(norm))
          .max(Comparator.comparingInt(reader -> whole(reader).id()))
          .ifPresent(last -> parts.put(norm, last));
    }
  }

  private boolean normsItself(Value reader) {
    return reader.op() instanceof Op.Linear
        && unit(reader) == Unit.GROUP
        && reader.shape().last() <= MOST_COLUMNS_OF_NORMED;
  }

  private Value whole(Value value) {
    Value whole = value;
    while (parts.containsKey(whole)) {
      whole = parts.get(whole);
    }
    return whole;
  }

  private boolean isProjectionFor(Value value, Value reader) {
    return value.op() instanceof Op.Linear
        && !outputs.contains(value)
        && !isState(value.operands().get(0))
        && List.of(reader).equals(readers.get(value));
  }

  private Unit unit(Value value) {
    return shapes.of(Program.rows(value));
  }

  private static boolean isState(Value value) {
    return MemoryPlan.root(value).op() instanceof Op.State;
  }
}
