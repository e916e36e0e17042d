package io.github.vlm4j.core.conformance;

import io.github.vlm4j.core.graph.Op;
import io.github.vlm4j.core.graph.Value;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/** The choice of experts and their mixture in double precision, one row and expert at a time. */
final class OracleExperts {

  private OracleExperts() {}

  static double[] route(Op.Route op, Value value, double[] logits) {
    int experts = extent(value, 1);
    double[] gates = new double[logits.length];
    for (int row = 0; row < logits.length; row += experts) {
      double[] own = Arrays.copyOfRange(logits, row, row + experts);
      double[] shares = OracleAttention.softmax(own);
      int[] kept =
          IntStream.range(0, experts)
              .boxed()
              .sorted(Comparator.comparingDouble((Integer e) -> 0 - own[e]))
              .limit(op.chosen())
              .mapToInt(Integer::intValue)
              .toArray();
      double sum = op.normalised() ? Arrays.stream(kept).mapToDouble(e -> shares[e]).sum() : 1;
      for (int e : kept) {
        gates[row + e] = shares[e] / sum;
      }
    }
    return gates;
  }

  static double[] experts(Op.Experts op, Value value, List<double[]> in) {
    Mixture mixture = new Mixture(op, value, in);
    double[] result = new double[mixture.rows * mixture.hidden];
    for (int row = 0; row < mixture.rows; row++) {
      for (int e = 0; e < mixture.experts; e++) {
        double share = mixture.share(row, e);
        if (share != 0) {
          double[] gated = mixture.gated(row, e);
          for (int i = 0; i < mixture.hidden; i++) {
            result[row * mixture.hidden + i] += share * mixture.down(e, i, gated);
          }
        }
      }
    }
    return result;
  }

  /** Returns the size of each row's sum, had all terms random signs: see {@link ErrorScale}. */
  static double[] scale(Op.Experts op, Value value, List<double[]> in) {
    Mixture mixture = new Mixture(op, value, in);
    double[] scale = new double[mixture.rows];
    for (int row = 0; row < mixture.rows; row++) {
      double[] x = mixture.x(row);
      for (int e = 0; e < mixture.experts; e++) {
        double share = mixture.share(row, e);
        if (share != 0) {
          double gate = 0;
          double up = 0;
          for (int j = 0; j < mixture.inter; j++) {
            gate = Math.max(gate, mixture.gate(e, j, x, true));
            up = Math.max(up, mixture.up(e, j, x, true));
          }
          double[] largest = new double[mixture.inter];
          Arrays.fill(largest, gate * up);
          double down = 0;
          for (int i = 0; i < mixture.hidden; i++) {
            down = Math.max(down, mixture.down(e, i, largest, true));
          }
          scale[row] += Math.abs(share) * down;
        }
      }
    }
    return scale;
  }

  /** The operands, whichever way round the weights are stored. */
  private static final class Mixture {

    final Op.Experts op;
    final List<double[]> in;
    final int rows;
    final int hidden;
    final int experts;
    final int inter;

    Mixture(Op.Experts op, Value value, List<double[]> in) {
      this.op = op;
      this.in = in;
      this.rows = extent(value, 0);
      this.hidden = extent(value, 1);
      this.experts = extent(value.operands().get(1), 1);
      this.inter = extent(value.operands().getLast(), op.transposed() ? 0 : 1);
    }

    double[] x(int row) {
      return Arrays.copyOfRange(in.get(0), row * hidden, (row + 1) * hidden);
    }

    double share(int row, int e) {
      return in.get(1)[row * experts + e];
    }

    double[] gated(int row, int e) {
      double[] x = x(row);
      return IntStream.range(0, inter)
          .mapToDouble(
              j -> OracleOps.activate(op.activation(), gate(e, j, x, false)) * up(e, j, x, false))
          .toArray();
    }

    double gate(int e, int j, double[] x, boolean size) {
      return op.transposed()
          ? sum(in.get(2 + 2 * e), j, 2 * inter, x, size)
          : sum(in.get(2 + 3 * e), j * hidden, 1, x, size);
    }

    double up(int e, int j, double[] x, boolean size) {
      return op.transposed()
          ? sum(in.get(2 + 2 * e), inter + j, 2 * inter, x, size)
          : sum(in.get(3 + 3 * e), j * hidden, 1, x, size);
    }

    double down(int e, int i, double[] gated) {
      return down(e, i, gated, false);
    }

    double down(int e, int i, double[] gated, boolean size) {
      return op.transposed()
          ? sum(in.get(3 + 2 * e), i, hidden, gated, size)
          : sum(in.get(4 + 3 * e), i * inter, 1, gated, size);
    }

    /** Returns the sum of products, or its size had they random signs. */
    private static double sum(double[] w, int at, int step, double[] x, boolean size) {
      double sum = 0;
      for (int i = 0; i < x.length; i++) {
        double product = w[at + i * step] * x[i];
        sum += size ? product * product : product;
      }
      return size ? Math.sqrt(sum) : sum;
    }
  }

  private static int extent(Value value, int axis) {
    return Math.toIntExact(value.shape().dim(axis));
  }
}
