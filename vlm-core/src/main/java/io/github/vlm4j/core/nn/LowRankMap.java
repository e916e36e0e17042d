package io.github.vlm4j.core.nn;

import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.core.weights.Weight;
import io.github.vlm4j.core.weights.WeightScope;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * What a LoRA adapter adds to a linear map, {@code scale · B·(A·x)} (Hu et al., 2021), {@code [..,
 * in] → [.., out]}. It is computed beside the map itself, whose weights stay as they are.
 *
 * @param a {@code [rank, in]}
 * @param b {@code [out, rank]}
 * @param scale what the product is multiplied with
 */
public record LowRankMap(Weight a, Weight b, float scale) {

  /** Takes the adapter of the map at a scope, or null if that has none. */
  static @Nullable LowRankMap of(WeightScope scope, long in, long out) {
    return scope
        .lowRank()
        .map(adapter -> {
          int rank = adapter.rank();
          return new LowRankMap(
              matrix(scope.at("lora_A"), in, rank),
              matrix(scope.at("lora_B"), rank, out),
              adapter.scale());
        })
        .orElse(null);
  }

  private static Weight matrix(WeightScope scope, long in, long out) {
    return scope.named("Linear(" + in + " → " + out + ")").get("weight", out, in);
  }

  LowRankMap outputs(long from, long to) {
    return new LowRankMap(a, b.rows(from, to), scale);
  }

  Value apply(GraphBuilder g, Value x) {
    Value narrow = g.linear(x, a, null);
    float[] scales = new float[Math.toIntExact(a.shape().dim(0))];
    Arrays.fill(scales, scale);
    return g.linear(narrow.times(g.constant(Tensor.ofFloats(scales, scales.length))), b, null);
  }
}
