package io.github.vlm4j.core.conformance;

import io.github.vlm4j.core.graph.Op;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.tensor.Shape;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * The size of the numbers that a result was computed from, for each of its innermost rows: what
 * rounding errors are proportional to. Where a result is a sum, that is the size of the sum had its
 * terms random signs, so that cancellation does not make an ordinary error look large.
 */
final class ErrorScale {

  private ErrorScale() {}

  /**
   * Returns the scale of each innermost row of a value.
   *
   * @param value the result
   * @param computed every value's exact elements
   */
  static double[] ofRows(Value value, Map<Value, double[]> computed) {
    double[] result = computed.get(value);
    int rows = Math.toIntExact(value.shape().rows());
    double[] scale = rowMaxima(result, rows);
    switch (value.op()) {
      case Op.Linear _ -> {
        int size = Math.toIntExact(value.operands().get(1).shape().dim(1));
        double[] x = computed.get(value.operands().get(0));
        double widest = largest(norms(computed.get(value.operands().get(1)), size));
        double[] lengths = norms(x, size);
        for (int row = 0; row < rows; row++) {
          scale[row] = Math.max(scale[row], lengths[row] * widest / Math.sqrt(size));
        }
      }
      case Op.Convolve convolve -> {
        int size = computed.get(value.operands().get(1)).length / (int) value.shape().last();
        double[] x = computed.get(value.operands().get(0));
        double widest = largest(norms(computed.get(value.operands().get(1)), size));
        double[] lengths = norms(OracleConvolution.patches(convolve, value, x), size);
        for (int row = 0; row < rows; row++) {
          scale[row] = Math.max(scale[row], lengths[row] * widest / Math.sqrt(size));
        }
      }
      case Op.AveragePool _ -> Arrays.fill(scale, largest(computed.get(value.operands().get(0))));
      case Op.LayerNorm(float eps) -> {
        // Subtracting the mean turns the rounding of x itself into an error of the difference.
        int size = Math.toIntExact(value.shape().last());
        double[] x = computed.get(value.operands().get(0));
        double weight = largest(computed.get(value.operands().get(1)));
        for (int row = 0; row < rows; row++) {
          double[] values = Arrays.copyOfRange(x, row * size, (row + 1) * size);
          double mean = Arrays.stream(values).sum() / size;
          double variance = Arrays.stream(values).map(v -> (v - mean) * (v - mean)).sum() / size;
          scale[row] = Math.max(scale[row], largest(values) * weight / Math.sqrt(variance + eps));
        }
      }
      case Op.Attention _ -> Arrays.fill(scale, largest(computed.get(value.operands().get(2))));
      case Op.CachedAttention cached -> {
        double[] values = computed.get(value.operands().get(2));
        Shape cache = value.operands().get(2).shape();
        int size = (int) cache.dim(2);
        int position = (int) computed.get(value.operands().get(3))[0];
        int from = cached.window() == 0 ? 0 : Math.max(0, position - cached.window() + 1);
        int to = position + (int) value.shape().dim(0);
        double seen = 0;
        for (int head = 0; head < cache.dim(0); head++) {
          int first = head * (int) cache.dim(1);
          seen =
              Math.max(
                  seen,
                  largest(Arrays.copyOfRange(values, (first + from) * size, (first + to) * size)));
        }
        Arrays.fill(scale, seen);
      }
      case Op.AttentionWeights _, Op.Route _ -> Arrays.fill(scale, 1);
      case Op.Experts experts -> {
        List<double[]> in = value.operands().stream().map(computed::get).toList();
        double[] sums = OracleExperts.scale(experts, value, in);
        for (int row = 0; row < rows; row++) {
          scale[row] = Math.max(scale[row], sums[row]);
        }
      }
      case Op.WeightedGather _ -> {
        double table = largest(computed.get(value.operands().get(0)));
        double weights = largest(computed.get(value.operands().get(2)));
        Arrays.fill(scale, table * weights);
      }
      case Op.Activate _, Op.Rope _ -> {
        double[] x = rowMaxima(computed.get(value.operands().get(0)), rows);
        for (int row = 0; row < rows; row++) {
          scale[row] = Math.max(scale[row], x[row]);
        }
      }
      case Op.Gate _ -> {
        double[] gate = rowMaxima(computed.get(value.operands().get(0)), rows);
        double[] up = rowMaxima(computed.get(value.operands().get(1)), rows);
        for (int row = 0; row < rows; row++) {
          scale[row] = Math.max(scale[row], gate[row] * up[row]);
        }
      }
      default -> {
        // A copy, or one rounding: the result's own size.
      }
    }
    return scale;
  }

  /** Returns the largest magnitude. */
  static double largest(double[] values) {
    return Arrays.stream(values).map(Math::abs).max().orElse(0);
  }

  private static double[] rowMaxima(double[] values, int rows) {
    double[] maxima = new double[rows];
    int size = rows == 0 ? 0 : values.length / rows;
    for (int i = 0; i < values.length; i++) {
      maxima[i / size] = Math.max(maxima[i / size], Math.abs(values[i]));
    }
    return maxima;
  }

  private static double[] norms(double[] values, int size) {
    double[] norms = new double[size == 0 ? 0 : values.length / size];
    for (int i = 0; i < values.length; i++) {
      norms[i / size] += values[i] * values[i];
    }
    return Arrays.stream(norms).map(Math::sqrt).toArray();
  }
}
