package io.github.vlm4j.core.graph;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * A forward pass: every value that its outputs need, each after its operands. Immutable. What a
 * model described but no output needs, such as attention weights nobody asked for, is not in it.
 */
public final class Graph {

  private final List<Value> values;
  private final SequencedMap<String, Value> outputs;

  private Graph(List<Value> values, SequencedMap<String, Value> outputs) {
    this.values = values;
    this.outputs = outputs;
  }

  static Graph reaching(SequencedMap<String, Value> outputs, List<Value> built) {
    Set<Value> needed = new HashSet<>();
    Deque<Value> open = new ArrayDeque<>(outputs.values());
    while (!open.isEmpty()) {
      Value value = open.pop();
      if (needed.add(value)) {
        open.addAll(value.operands());
      }
    }
    List<Value> ordered = new ArrayList<>(needed.size());
    for (Value value : built) {
      if (needed.contains(value)) {
        ordered.add(value);
      }
    }
    return new Graph(List.copyOf(ordered), new LinkedHashMap<>(outputs));
  }

  /** Returns the values in an order in which they can be computed. */
  public List<Value> values() {
    return values;
  }

  /** Returns the named results. */
  public Map<String, Value> outputs() {
    return Collections.unmodifiableMap(outputs);
  }

  /** Returns the graph in words, one value a line, for looking at. */
  public String describe() {
    return values.stream()
        .map(value ->
            "%-60s %s"
                .formatted(
                    value
                        + value.operands().stream()
                            .map(operand -> "%" + operand.id())
                            .collect(Collectors.joining(", ", " (", ")")),
                    value.layer()))
        .collect(Collectors.joining("\n"));
  }
}
