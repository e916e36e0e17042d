package io.github.vlm4j.backend.tornado.device;

import io.github.vlm4j.core.backend.MemoryPlan;
import io.github.vlm4j.core.graph.Graph;
import io.github.vlm4j.core.graph.Op;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.core.weights.Weight;
import io.github.vlm4j.core.weights.WeightSource;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntSupplier;

/**
 * What a graph is given rather than computes, on the device: inputs, side by side so that they are
 * sent together; constants; parameters, which all graphs share; and states.
 */
final class Leaves {

  private final DeviceMemory memory;
  private final WeightStore store;
  private final WeightSource weights;
  private final List<Region> regions = new ArrayList<>();
  private final Map<String, Tensor> inputs = new LinkedHashMap<>();
  private final Map<String, State> states = new LinkedHashMap<>();
  private final Map<Value, Place> floats = new HashMap<>();
  private final Map<Value, HostInts> ints = new HashMap<>();
  private final List<Float> numbers = new ArrayList<>();
  private float[] inputFloats = {};
  private int[] inputInts = {};
  private int floatsAt;
  private int intsAt;
  private int numbersAt;

  Leaves(DeviceMemory memory, WeightStore store, WeightSource weights) {
    this.memory = memory;
    this.store = store;
    this.weights = weights;
  }

  /** Allocates the inputs and declares the states of a graph. */
  void declare(Graph graph) {
    List<Value> given =
        graph.values().stream().filter(value -> value.op() instanceof Op.Input).toList();
    inputFloats = new float[count(given, DType.F32)];
    inputInts = new int[count(given, DType.I32)];
    floatsAt = take(HeapKind.FLOATS, inputFloats.length, "The inputs of this graph").at();
    intsAt = take(HeapKind.INTS, inputInts.length, "The inputs of this graph").at();
    declareInputs(given);
    for (Value value : graph.values()) {
      if (value.op() instanceof Op.State(String name)) {
        State state = new State(name, value.dtype(), value.shape());
        states.put(name, state);
        floats.put(value, new Place(state, 0));
      }
    }
  }

  private static int count(List<Value> inputs, DType dtype) {
    return Math.toIntExact(
        inputs.stream()
            .filter(input -> input.dtype() == dtype)
            .mapToLong(input -> input.shape().elements())
            .sum());
  }

  private void declareInputs(List<Value> given) {
    int nextFloat = 0;
    int nextInt = 0;
    for (Value input : given) {
      int count = (int) input.shape().elements();
      MemorySegment data;
      if (input.dtype() == DType.I32) {
        data = MemorySegment.ofArray(inputInts).asSlice(nextInt * 4L, count * 4L);
        ints.put(input, new HostInts(inputInts, nextInt, count, intsAt + nextInt));
        nextInt += count;
      } else {
        data = MemorySegment.ofArray(inputFloats).asSlice(nextFloat * 4L, count * 4L);
        floats.put(input, Place.at(floatsAt + nextFloat));
        nextFloat += count;
      }
      if (input.op() instanceof Op.Input(String name)) {
        inputs.put(name, Tensor.of(input.dtype(), input.shape(), data));
      }
    }
  }

  /** Returns the inputs by name. */
  Map<String, Tensor> inputs() {
    return inputs;
  }

  /** Returns the states by name. */
  Map<String, State> states() {
    return states;
  }

  /** Returns the parts of heaps that belong to the graph alone. */
  List<Region> regions() {
    return regions;
  }

  /** Sends what the inputs hold to the device. */
  void sendInputs() {
    memory.storeFloats(floatsAt, MemorySegment.ofArray(inputFloats), 0, inputFloats.length);
    memory.storeInts(intsAt, inputInts);
  }

  /** Takes a part of a heap that is given back with the graph. */
  Region take(HeapKind kind, long count, String what) {
    Region region = memory.take(kind, count, what);
    regions.add(region);
    return region;
  }

  /** Puts a table of integers on the device; returns where. */
  int table(int[] entries) {
    Region region = take(HeapKind.INTS, entries.length, "A table of this graph");
    memory.storeInts(region.at(), entries);
    return region.at();
  }

  /** Puts a number on the device when {@link #sendNumbers} is called; returns where. */
  IntSupplier number(float value) {
    int index = numbers.indexOf(value);
    if (index < 0) {
      index = numbers.size();
      numbers.add(value);
    }
    int place = index;
    return () -> numbersAt + place;
  }

  /** Puts the numbers on the device that have been asked for. */
  void sendNumbers() {
    float[] values = new float[numbers.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = numbers.get(i);
    }
    Region region = take(HeapKind.FLOATS, values.length, "The numbers of this graph");
    numbersAt = region.at();
    memory.storeFloats(region.at(), MemorySegment.ofArray(values), 0, values.length);
  }

  /** Returns where a leaf, or a view of one, lies as f32. */
  Place floats(Value value) {
    Value root = MemoryPlan.root(value);
    return floats
        .computeIfAbsent(
            root,
            leaf ->
                switch (leaf.op()) {
                  case Op.Parameter(Weight weight) -> Place.at(store.floats(weights, weight).at());
                  case Op.Constant(Tensor tensor) -> constant(tensor);
                  default -> throw new IllegalStateException(leaf + " has not been declared");
                })
        .plus(MemoryPlan.offset(value));
  }

  private Place constant(Tensor tensor) {
    float[] values = tensor.toFloats();
    Region region = take(HeapKind.FLOATS, values.length, "A constant of this graph");
    memory.storeFloats(region.at(), MemorySegment.ofArray(values), 0, values.length);
    return Place.at(region.at());
  }

  /** Returns where a leaf of i32, or a view of one, is. */
  HostInts ints(Value value) {
    HostInts all =
        ints.computeIfAbsent(
            MemoryPlan.root(value),
            leaf -> {
              if (leaf.op() instanceof Op.Constant(Tensor tensor)) {
                int[] entries = tensor.toInts();
                return new HostInts(entries, 0, entries.length, table(entries));
              }
              throw new IllegalStateException(leaf + " has not been declared");
            });
    int offset = (int) MemoryPlan.offset(value);
    return new HostInts(
        all.array(), all.at() + offset, (int) value.shape().elements(), all.device() + offset);
  }

  /** Returns a parameter, or a view of one, as it is stored. */
  StoredMatrix matrix(Value value) {
    return store.matrix(weights, weight(value)).from(MemoryPlan.offset(value));
  }

  /** Returns a matrix, or a view of one, as f32, whatever it is stored as. */
  StoredMatrix decoded(Value value) {
    return store.decoded(weights, weight(value)).from(MemoryPlan.offset(value));
  }

  /** Returns a matrix with rows and columns exchanged, as f32 if that is asked for. */
  StoredMatrix transposed(Value value, boolean asFloats) {
    return store.transposed(weights, weight(value), asFloats);
  }

  private static Weight weight(Value value) {
    if (MemoryPlan.root(value).op() instanceof Op.Parameter(Weight weight)) {
      return weight;
    }
    throw new IllegalStateException(value + " is not a parameter");
  }
}
