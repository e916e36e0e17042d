package io.github.vlm4j.core.nn;

import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.quant.BlockCodec;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.core.weights.Weight;
import io.github.vlm4j.core.weights.WeightScope;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * An affine map of the last dimension, {@code [.., in] → [.., out]}, with what a LoRA adapter of
 * the weights adds to it.
 *
 * @param weight {@code [out, in]}
 * @param bias {@code [out]}, or null
 * @param adapter of the same extents, or null
 */
public record Linear(Weight weight, @Nullable Weight bias, @Nullable LowRankMap adapter)
    implements Layer {

  /** A map without adapter. */
  public Linear(Weight weight, @Nullable Weight bias) {
    this(weight, bias, null);
  }

  /** Takes {@code weight}, {@code bias} and the adapter of a scope. */
  public static Linear of(WeightScope scope, long in, long out) {
    scope.named("Linear(" + in + " → " + out + ", bias)");
    return new Linear(
        scope.get("weight", out, in), scope.get("bias", out), LowRankMap.of(scope, in, out));
  }

  /** Takes {@code weight} and the adapter of a scope; there is no bias. */
  public static Linear withoutBias(WeightScope scope, long in, long out) {
    scope.named("Linear(" + in + " → " + out + ")");
    return new Linear(scope.get("weight", out, in), null, LowRankMap.of(scope, in, out));
  }

  /** Takes {@code weight} and, if there is to be one, {@code bias} of a scope. */
  public static Linear of(WeightScope scope, long in, long out, boolean hasBias) {
    return hasBias ? of(scope, in, out) : withoutBias(scope, in, out);
  }

  /**
   * Takes a matrix that is stored the other way round, {@code [in, out]}, as OpenAI's CLIP stores
   * its projections; there is no bias.
   *
   * @param name of the tensor in the scope
   */
  public static Linear transposed(WeightScope scope, String name, int in, int out) {
    Weight stored = scope.get(name, in, out);
    return new Linear(
        scope.derive(
            name + ".transposed",
            new long[] {out, in},
            () -> transpose(stored.of(scope.source().tensor(stored.name())), in, out)),
        null);
  }

  private static Tensor transpose(Tensor matrix, int rows, int columns) {
    float[] from = BlockCodec.floats(matrix);
    float[] to = new float[from.length];
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < columns; c++) {
        to[c * rows + r] = from[r * columns + c];
      }
    }
    return Tensor.ofFloats(to, columns, rows);
  }

  /**
   * Returns maps of one input as a single one whose outputs are theirs, one after the other: the
   * heads of an attention that are stored each by itself. There is no bias.
   *
   * @param scope whose checkpoint holds the maps
   * @param name of the whole in the scope
   * @param parts {@code [out, in]} each
   */
  public static Linear stacked(WeightScope scope, String name, List<Weight> parts) {
    int in = (int) parts.getFirst().shape().dim(1);
    int out = parts.stream().mapToInt(part -> (int) part.shape().dim(0)).sum();
    return new Linear(
        scope.derive(
            name,
            new long[] {out, in},
            () -> {
              float[] rows = new float[Math.multiplyExact(out, in)];
              int at = 0;
              for (Weight part : parts) {
                float[] some = BlockCodec.floats(part.of(scope.source().tensor(part.name())));
                System.arraycopy(some, 0, rows, at, some.length);
                at += some.length;
              }
              return Tensor.ofFloats(rows, out, in);
            }),
        null);
  }

  /** Returns the map of some of the outputs only, as fused projections are used in parts. */
  public Linear outputs(long from, long to) {
    return new Linear(
        weight.rows(from, to),
        bias == null ? null : bias.rows(from, to),
        adapter == null ? null : adapter.outputs(from, to));
  }

  @Override
  public Value apply(GraphBuilder g, Value x) {
    Value y = g.linear(x, weight, bias);
    return adapter == null ? y : y.plus(adapter.apply(g, x));
  }
}
