package io.github.vlm4j.core.conformance;

import io.github.vlm4j.core.graph.Activation;
import io.github.vlm4j.core.graph.Op;
import io.github.vlm4j.core.graph.ScatterMode;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.tensor.Shape;
import java.util.Arrays;
import java.util.List;
import java.util.function.DoubleBinaryOperator;
import java.util.stream.DoubleStream;
import org.apache.commons.math3.linear.Array2DRowRealMatrix;
import org.apache.commons.math3.linear.RealMatrix;
import org.apache.commons.math3.special.Erf;

/**
 * Every operation in double precision, as its definition in {@link Op} says it: plain loops over
 * row-major arrays. The switch is exhaustive, so that a new operation does not compile before its
 * definition is here.
 */
final class OracleOps {

  private OracleOps() {}

  /**
   * Computes a value that is not a leaf and does not write to a state.
   *
   * @param value what to compute
   * @param in the operands' elements, in order; indices as whole doubles
   * @return new elements in row-major order
   */
  static double[] evaluate(Value value, List<double[]> in) {
    return switch (value.op()) {
      case Op.Input _, Op.State _, Op.Parameter _, Op.Constant _, Op.Append _ ->
          throw new IllegalArgumentException(value + " is not computed from its operands alone");
      case Op.Linear _ -> linear(value, in);
      case Op.Convolve convolve -> OracleConvolution.convolve(convolve, value, in);
      case Op.AveragePool pool -> OracleConvolution.averagePool(pool, value, in.get(0));
      case Op.Add _ -> repeated(in.get(0), in.get(1), Double::sum);
      case Op.Multiply _ -> repeated(in.get(0), in.get(1), (a, b) -> a * b);
      case Op.Activate(Activation activation) ->
          Arrays.stream(in.get(0)).map(x -> activate(activation, x)).toArray();
      case Op.Gate(Activation activation) ->
          repeated(in.get(0), in.get(1), (gate, up) -> activate(activation, gate) * up);
      case Op.Route route -> OracleExperts.route(route, value, in.get(0));
      case Op.Experts experts -> OracleExperts.experts(experts, value, in);
      case Op.RmsNorm(float eps) -> rmsNorm(in.get(0), in.get(1), eps);
      case Op.LayerNorm(float eps) -> layerNorm(in.get(0), in.get(1), in.get(2), eps);
      case Op.Rope rope -> OracleAttention.rope(rope, value, in);
      case Op.Attention attention -> OracleAttention.attention(attention, value, in);
      case Op.AttentionWeights weights -> OracleAttention.weights(weights, value, in);
      case Op.CachedAttention cached -> OracleAttention.cached(cached, value, in);
      case Op.Rows(long from, long to) -> {
        int row = rowElements(value.operands().get(0).shape());
        yield Arrays.copyOfRange(in.get(0), (int) from * row, (int) to * row);
      }
      case Op.Reshape _ -> in.get(0).clone();
      case Op.Concat _ -> in.stream().flatMapToDouble(DoubleStream::of).toArray();
      case Op.Gather _ -> gather(value, in.get(0), in.get(1));
      case Op.WeightedGather _ -> weightedGather(value, in);
      case Op.Scatter(ScatterMode mode) -> scatter(mode, value, in);
    };
  }

  static double activate(Activation activation, double x) {
    return switch (activation) {
      case GELU -> x * 0.5 * (1 + Erf.erf(x / Math.sqrt(2)));
      case GELU_TANH ->
          x / 2 * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
      case QUICK_GELU -> x * sigmoid(1.702 * x);
      case SILU -> x * sigmoid(x);
      case RELU -> Math.max(x, 0);
    };
  }

  /** Returns the elements of one index of the outermost dimension. */
  static int rowElements(Shape shape) {
    return Math.toIntExact(shape.with(0, 1).elements());
  }

  private static double sigmoid(double x) {
    return 1 / (1 + Math.exp(-x));
  }

  private static double[] linear(Value value, List<double[]> in) {
    Shape weightShape = value.operands().get(1).shape();
    int out = Math.toIntExact(weightShape.dim(0));
    int size = Math.toIntExact(weightShape.dim(1));
    int rows = Math.toIntExact(value.operands().get(0).shape().rows());
    double[] result = new double[rows * out];
    if (result.length == 0) {
      return result;
    }
    double[][] weightRows = new double[out][];
    for (int i = 0; i < out; i++) {
      weightRows[i] = Arrays.copyOfRange(in.get(1), i * size, (i + 1) * size);
    }
    RealMatrix weight = new Array2DRowRealMatrix(weightRows, false);
    for (int row = 0; row < rows; row++) {
      double[] x = Arrays.copyOfRange(in.get(0), row * size, (row + 1) * size);
      double[] product = weight.operate(x);
      for (int i = 0; i < out; i++) {
        result[row * out + i] = product[i] + (in.size() == 3 ? in.get(2)[i] : 0);
      }
    }
    return result;
  }

  /** Applies an operator to a and to b repeated as often as it takes to be as long as a. */
  private static double[] repeated(double[] a, double[] b, DoubleBinaryOperator operator) {
    double[] result = new double[a.length];
    for (int i = 0; i < a.length; i++) {
      result[i] = operator.applyAsDouble(a[i], b[i % b.length]);
    }
    return result;
  }

  private static double[] rmsNorm(double[] x, double[] weight, double eps) {
    int size = weight.length;
    double[] result = new double[x.length];
    for (int row = 0; row < x.length; row += size) {
      double squares = 0;
      for (int i = 0; i < size; i++) {
        squares += x[row + i] * x[row + i];
      }
      double root = Math.sqrt(squares / size + eps);
      for (int i = 0; i < size; i++) {
        result[row + i] = x[row + i] / root * weight[i];
      }
    }
    return result;
  }

  private static double[] layerNorm(double[] x, double[] weight, double[] bias, double eps) {
    int size = weight.length;
    double[] result = new double[x.length];
    for (int row = 0; row < x.length; row += size) {
      double sum = 0;
      for (int i = 0; i < size; i++) {
        sum += x[row + i];
      }
      double mean = sum / size;
      double squares = 0;
      for (int i = 0; i < size; i++) {
        squares += (x[row + i] - mean) * (x[row + i] - mean);
      }
      double root = Math.sqrt(squares / size + eps);
      for (int i = 0; i < size; i++) {
        result[row + i] = (x[row + i] - mean) / root * weight[i] + bias[i];
      }
    }
    return result;
  }

  private static double[] gather(Value value, double[] table, double[] ids) {
    int size = rowElements(value.shape());
    double[] result = new double[ids.length * size];
    for (int i = 0; i < ids.length; i++) {
      System.arraycopy(table, (int) ids[i] * size, result, i * size, size);
    }
    return result;
  }

  private static double[] weightedGather(Value value, List<double[]> in) {
    double[] table = in.get(0);
    double[] ids = in.get(1);
    double[] weights = in.get(2);
    int rows = Math.toIntExact(value.shape().dim(0));
    int size = Math.toIntExact(value.shape().dim(1));
    int terms = Math.toIntExact(value.operands().get(1).shape().dim(1));
    double[] result = new double[rows * size];
    for (int row = 0; row < rows; row++) {
      for (int term = 0; term < terms; term++) {
        int from = (int) ids[row * terms + term] * size;
        for (int i = 0; i < size; i++) {
          result[row * size + i] += weights[row * terms + term] * table[from + i];
        }
      }
    }
    return result;
  }

  private static double[] scatter(ScatterMode mode, Value value, List<double[]> in) {
    double[] result = in.get(0).clone();
    double[] ids = in.get(1);
    double[] y = in.get(2);
    int size = rowElements(value.shape());
    for (int row = 0; row < ids.length; row++) {
      for (int i = 0; i < size; i++) {
        int at = (int) ids[row] * size + i;
        result[at] =
            switch (mode) {
              case REPLACE -> y[row * size + i];
              case ADD -> result[at] + y[row * size + i];
            };
      }
    }
    return result;
  }
}
