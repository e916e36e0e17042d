package io.github.vlm4j.core.conformance;

import io.github.vlm4j.core.BackendException;
import io.github.vlm4j.core.backend.Backend;
import io.github.vlm4j.core.backend.Buffer;
import io.github.vlm4j.core.backend.Executable;
import io.github.vlm4j.core.backend.OpProfile;
import io.github.vlm4j.core.graph.Graph;
import io.github.vlm4j.core.graph.Op;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.core.weights.WeightSource;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.BiFunction;

/**
 * A backend made of the oracle, each result rounded to f32: slow, and as plain as can be. It shows
 * that the suite can be passed, and lets models be tested where no backend is at hand.
 */
public final class OracleBackend implements Backend {

  private final BiFunction<Value, double[], double[]> afterEach;

  /** Computes everything right. */
  public OracleBackend() {
    this((value, elements) -> elements);
  }

  /**
   * Computes with every value changed before it is used.
   *
   * @param fault returns what takes the place of a value's elements
   */
  OracleBackend(BiFunction<Value, double[], double[]> fault) {
    afterEach =
        (value, elements) ->
            Arrays.stream(fault.apply(value, elements)).map(element -> (float) element).toArray();
  }

  @Override
  public String name() {
    return "oracle";
  }

  @Override
  public String description() {
    return "double precision, one thread, no blocking";
  }

  @Override
  public Executable compile(Graph graph, WeightSource weights) {
    return new Evaluation(graph, new GraphOracle(graph, weights, afterEach));
  }

  @Override
  public Buffer allocate(DType dtype, Shape shape) {
    if (!dtype.isFloat() && dtype != DType.Q8_0) {
      throw new BackendException(
          "The oracle keeps states in F32, F16, BF16 and Q8_0, not " + dtype);
    }
    return new Memory(dtype, shape, new double[Math.toIntExact(shape.elements())]);
  }

  @Override
  public void close() {}

  private record Memory(DType dtype, Shape shape, double[] elements) implements Buffer {

    @Override
    public void copyRows(Buffer source, long rows) {
      if (source.dtype() != dtype) {
        throw new IllegalArgumentException(source.dtype() + " cannot be copied to " + dtype);
      }
      copyHeads(((Memory) source).elements, source.shape(), elements, shape, rows);
    }

    @Override
    public void read(Tensor target) {
      double[] read = new double[Math.toIntExact(target.shape().elements())];
      copyHeads(elements, shape, read, target.shape(), target.shape().dim(1));
      for (int i = 0; i < read.length; i++) {
        target.setFloat(i, (float) read[i]);
      }
    }

    private static void copyHeads(double[] from, Shape shape, double[] to, Shape other, long rows) {
      for (int head = 0; head < shape.dim(0); head++) {
        int at = head * Math.toIntExact(shape.dim(1) * shape.dim(2));
        int toAt = head * Math.toIntExact(other.dim(1) * other.dim(2));
        System.arraycopy(from, at, to, toAt, Math.toIntExact(rows * shape.dim(2)));
      }
    }

    @Override
    public void close() {}
  }

  private static final class Evaluation implements Executable {

    private final Graph graph;
    private final GraphOracle oracle;
    private final Map<String, Tensor> inputs = new HashMap<>();
    private final Map<String, Value> states = new HashMap<>();
    private final Map<String, double[]> bound = new HashMap<>();
    private final Map<String, Tensor> outputs = new LinkedHashMap<>();

    Evaluation(Graph graph, GraphOracle oracle) {
      this.graph = graph;
      this.oracle = oracle;
      for (Value value : graph.values()) {
        switch (value.op()) {
          case Op.Input(String name) -> inputs.put(name, zeros(value));
          case Op.State(String name) -> states.put(name, value);
          default -> {}
        }
      }
    }

    private static Tensor zeros(Value value) {
      int elements = Math.toIntExact(value.shape().elements());
      return value.dtype() == DType.I32
          ? Tensor.ofInts(new int[elements], value.shape().toArray())
          : Tensor.ofFloats(new float[elements], value.shape().toArray());
    }

    @Override
    public Tensor input(String name) {
      return known(inputs, name);
    }

    @Override
    public void bind(String state, Buffer buffer) {
      Value value = known(states, state);
      if (!value.shape().equals(buffer.shape()) || value.dtype() != buffer.dtype()) {
        throw new IllegalArgumentException(
            "State " + state + " is " + value + ", not " + buffer.dtype() + buffer.shape());
      }
      bound.put(state, ((Memory) buffer).elements);
    }

    @Override
    public void run() {
      for (String state : states.keySet()) {
        if (!bound.containsKey(state)) {
          throw new BackendException("The state " + state + " is not bound; bind it first.");
        }
      }
      Map<Value, double[]> computed = oracle.run(inputs, bound);
      graph
          .outputs()
          .forEach((name, value) -> {
            Tensor output = zeros(value);
            double[] elements = known(computed, value);
            for (int i = 0; i < elements.length; i++) {
              output.setFloat(i, (float) elements[i]);
            }
            outputs.put(name, output);
          });
    }

    @Override
    public void run(OpProfile profile) {
      long start = System.nanoTime();
      run();
      for (Value value : graph.values()) {
        profile.computed(value, (System.nanoTime() - start) / graph.values().size());
      }
    }

    @Override
    public Tensor output(String name) {
      return known(outputs, name);
    }

    @Override
    public Set<String> outputs() {
      return outputs.keySet();
    }

    @Override
    public long activationBytes() {
      return graph.values().stream().mapToLong(value -> value.shape().elements() * 8).sum();
    }

    @Override
    public void close() {}

    private static <K, V> V known(Map<K, V> map, K key) {
      V found = map.get(key);
      if (found == null) {
        throw new IllegalArgumentException("The graph has no " + key);
      }
      return found;
    }
  }
}
