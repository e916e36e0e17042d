package io.github.vlm4j.core.conformance;

import io.github.vlm4j.core.graph.Graph;
import io.github.vlm4j.core.graph.Op;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.quant.BlockCodec;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.core.weights.WeightSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;

/**
 * Evaluates any graph in double precision, one value after the other, with nothing shared, fused or
 * done in place except the states: what a backend should have computed.
 */
public final class GraphOracle {

  private final Graph graph;
  private final WeightSource weights;
  private final BiFunction<Value, double[], double[]> afterEach;

  /** Evaluates exactly. */
  public GraphOracle(Graph graph, WeightSource weights) {
    this(graph, weights, (value, elements) -> elements);
  }

  /**
   * Evaluates with every computed value changed before it is used.
   *
   * @param afterEach returns what takes the place of a value's elements
   */
  GraphOracle(Graph graph, WeightSource weights, BiFunction<Value, double[], double[]> afterEach) {
    this.graph = graph;
    this.weights = weights;
    this.afterEach = afterEach;
  }

  /**
   * Computes every value of the graph.
   *
   * @param inputs the inputs' elements by name
   * @param states the states' elements by name; appended rows are written into them
   * @return each value's elements in row-major order, indices as whole doubles
   */
  public Map<Value, double[]> run(Map<String, Tensor> inputs, Map<String, double[]> states) {
    Map<Value, double[]> computed = new IdentityHashMap<>();
    for (Value value : graph.values()) {
      List<double[]> operands = new ArrayList<>();
      for (Value operand : value.operands()) {
        operands.add(known(computed, operand));
      }
      double[] elements =
          switch (value.op()) {
            case Op.Input(String name) -> elements(known(inputs, name));
            case Op.State(String name) -> known(states, name);
            case Op.Parameter(var weight) -> elements(weight.of(weights.tensor(weight.name())));
            case Op.Constant(Tensor tensor) -> elements(tensor);
            case Op.Append _ -> append(value, operands);
            default -> afterEach.apply(value, OracleOps.evaluate(value, operands));
          };
      computed.put(value, elements);
    }
    return computed;
  }

  /** Returns a tensor's elements in row-major order. */
  static double[] elements(Tensor tensor) {
    double[] elements = new double[Math.toIntExact(tensor.shape().elements())];
    if (tensor.dtype().isQuantised()) {
      float[] decoded = new float[elements.length];
      int blocks = elements.length / tensor.dtype().blockElements();
      BlockCodec.of(tensor.dtype()).decode(tensor.data(), 0, blocks, decoded, 0);
      Arrays.setAll(elements, i -> decoded[i]);
      return elements;
    }
    for (int i = 0; i < elements.length; i++) {
      elements[i] = tensor.dtype() == DType.I32 ? tensor.getInt(i) : tensor.getFloat(i);
    }
    return elements;
  }

  /** Writes each head's rows next to its earlier ones, rounded to the state's type. */
  private double[] append(Value value, List<double[]> operands) {
    double[] state = operands.get(0);
    double[] rows = afterEach.apply(value, operands.get(1));
    int position = (int) operands.get(2)[0];
    int heads = Math.toIntExact(value.shape().dim(0));
    int capacity = Math.toIntExact(value.shape().dim(1));
    int size = Math.toIntExact(value.shape().dim(2));
    for (int from = 0, i = 0; from < rows.length; from += size, i++) {
      double[] row = Arrays.copyOfRange(rows, from, from + size);
      int to = (i % heads * capacity + position + i / heads) * size;
      System.arraycopy(StoredNumbers.rounded(value.dtype(), row), 0, state, to, size);
    }
    return state;
  }

  private static <K, V> V known(Map<K, V> map, K key) {
    V found = map.get(key);
    if (found == null) {
      throw new IllegalArgumentException("The oracle was given nothing for " + key);
    }
    return found;
  }
}
