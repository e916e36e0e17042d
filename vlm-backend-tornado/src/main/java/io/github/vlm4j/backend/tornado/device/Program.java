package io.github.vlm4j.backend.tornado.device;

import io.github.vlm4j.core.backend.MemoryPlan;
import io.github.vlm4j.core.graph.Graph;
import io.github.vlm4j.core.graph.Value;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntSupplier;

/**
 * The launches of a graph while they are put together, and where its values lie: those that are
 * computed in one part of the heap of f32, as planned.
 */
final class Program {

  private final Fusions fusions;
  private final MemoryPlan plan;
  private final Leaves leaves;
  private final Region arena;
  private final Map<Value, Place> places = new HashMap<>();
  private final List<Launch> launches = new ArrayList<>();
  private final List<Runnable> checks = new ArrayList<>();

  Program(Leaves leaves, Graph graph, Fusions fusions) {
    this.fusions = fusions;
    this.plan = MemoryPlan.of(graph, fusions.parts());
    this.leaves = leaves;
    this.arena = leaves.take(HeapKind.FLOATS, plan.floats(), "The activations of this graph");
  }

  /** Returns what is computed in the launches of later values. */
  Fusions fusions() {
    return fusions;
  }

  /** Returns what the graph is given. */
  Leaves leaves() {
    return leaves;
  }

  /** Returns the launches so far. */
  List<Launch> launches() {
    return launches;
  }

  /** Returns what is to hold before a run. */
  List<Runnable> checks() {
    return checks;
  }

  /** Adds what is to hold before a run. */
  void check(Runnable requirement) {
    checks.add(requirement);
  }

  /** Adds a launch of threads. */
  void add(Value y, Kernel kernel, int threads, IntSupplier... parameters) {
    add(launch(y, kernel, false, new Launch.Part(threads, parameters)));
  }

  /** Adds a launch of work-groups. */
  void addGroups(Value y, Kernel kernel, int groups, IntSupplier... parameters) {
    add(launch(y, kernel, true, new Launch.Part(groups, parameters)));
  }

  private Launch launch(Value y, Kernel kernel, boolean ofGroups, Launch.Part part) {
    List<Value> values = new ArrayList<>();
    fusions.visit(y, values::add);
    List<Span> reads = new ArrayList<>();
    fusions.visitReads(y, read -> reads.add(span(read)));
    return new Launch(values, kernel, ofGroups, List.of(part), reads, List.of(span(y)));
  }

  private Span span(Value value) {
    return new Span(place(value), elements(value));
  }

  /** Adds a launch, or makes it one with the launch before, as launches are what takes time. */
  private void add(Launch launch) {
    if (!launches.isEmpty()) {
      Launch before = launches.getLast();
      Launch both = before.with(launch);
      if (both == null) {
        both = before.normed(launch);
      }
      if (both != null) {
        launches.set(launches.size() - 1, both);
        return;
      }
    }
    launches.add(launch);
  }

  /** Adds a copy of some numbers. */
  void copy(Value y, Place from, Place to, int count) {
    if (count > 0) {
      add(y, Kernel.COPY_RUNS, count, from, to, fixed(count), fixed(0), fixed(0));
    }
  }

  /** Returns the ids that are an operation's second operand, to be checked before each run. */
  HostInts ids(Value y) {
    HostInts ids = leaves.ints(operand(y, 1));
    long rows = operand(y, 0).shape().dim(0);
    check(() -> ids.requireRows(rows, where(y)));
    return ids;
  }

  /** Returns where an operand lies. */
  Place place(Value y, int operand) {
    return place(operand(y, operand));
  }

  /** Returns where a value lies. */
  Place place(Value value) {
    return places.computeIfAbsent(
        value,
        v ->
            MemoryPlan.isLeaf(MemoryPlan.root(v))
                ? leaves.floats(v)
                : Place.at(arena.at() + Math.toIntExact(plan.at(v))));
  }

  /** Returns where an output lies after a run; one that is not computed is copied there. */
  Place outputPlace(Value output) {
    if (!plan.isCopied(output)) {
      return place(output);
    }
    Place to = Place.at(arena.at() + Math.toIntExact(plan.copyAt(output)));
    copy(output, place(output), to, elements(output));
    return to;
  }

  /** Returns a parameter that is always the same. */
  static IntSupplier fixed(int value) {
    return Place.at(value);
  }

  /** Returns the layer and operation, for errors. */
  static String where(Value y) {
    return (y.layer().isEmpty() ? "graph" : y.layer()) + ": " + y.op().label();
  }

  /** Returns the number of innermost rows. */
  static int rows(Value y) {
    return Math.toIntExact(y.shape().rows());
  }

  /** Returns one extent. */
  static int extent(Value value, int axis) {
    return Math.toIntExact(value.shape().dim(axis));
  }

  /** Returns the number of elements. */
  static int elements(Value value) {
    return Math.toIntExact(value.shape().elements());
  }

  /** Returns an operand. */
  static Value operand(Value y, int index) {
    return y.operands().get(index);
  }
}
