package io.github.vlm4j.text.decoder;

import io.github.vlm4j.core.graph.Activation;
import io.github.vlm4j.core.graph.Expert;
import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.TransposedExpert;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.nn.Linear;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.weights.WeightScope;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A mixture of experts (Shazeer et al., 2017): a router chooses a few gated MLPs for each row,
 * whose results are added by the router's shares; experts that all rows use may be added.
 * Reference: transformers, {@code models/qwen3_moe/modeling_qwen3_moe.py} and {@code
 * models/qwen2_moe/modeling_qwen2_moe.py}.
 */
final class MixtureOfExperts implements FeedForward {

  /** The experts that are chosen from, however they are stored. */
  private interface Pool {
    Value apply(GraphBuilder g, Value x, Value shares);
  }

  private final GqaDecoderConfig.Experts config;
  private final Linear router;
  private final Pool pool;
  private final List<GatedMlp> shared;
  private final @Nullable ScalarGate sharedGate;

  private MixtureOfExperts(
      GqaDecoderConfig.Experts config,
      Linear router,
      Pool pool,
      List<GatedMlp> shared,
      @Nullable ScalarGate sharedGate) {
    this.config = config;
    this.router = router;
    this.pool = pool;
    this.shared = shared;
    this.sharedGate = sharedGate;
  }

  /**
   * Takes the parameters of a layer.
   *
   * @param names what the checkpoint calls its parts
   * @param decoder the decoder's sizes
   * @param config the layer's experts
   * @param scope the place of the MLP
   */
  static MixtureOfExperts of(
      DecoderNames names,
      GqaDecoderConfig decoder,
      GqaDecoderConfig.Experts config,
      WeightScope scope) {
    int hidden = decoder.hiddenSize();
    Activation activation = decoder.mlp().hiddenAct();
    DecoderNames.Experts parts = names.experts();
    WeightScope list = scope.at(parts.experts());
    var sharedMlp =
        new GqaDecoderConfig.Mlp(config.sharedIntermediateSize(), activation, decoder.mlp().bias());
    return new MixtureOfExperts(
        config,
        Linear.withoutBias(scope.at(parts.router()), hidden, config.count()),
        parts.stacked()
            ? stacked(hidden, config, activation, list)
            : separate(names.mlp(), hidden, config, activation, list),
        parts.shared().stream()
            .map(name -> GatedMlp.of(names.mlp(), hidden, sharedMlp, scope.at(name)))
            .toList(),
        parts.sharedGate() == null ? null : new ScalarGate(hidden, scope.at(parts.sharedGate())));
  }

  /** Three matrices for each expert. */
  private static Pool separate(
      DecoderNames.Mlp names,
      int hidden,
      GqaDecoderConfig.Experts config,
      Activation activation,
      WeightScope list) {
    long middle = config.intermediateSize();
    List<Expert> experts =
        IntStream.range(0, config.count())
            .mapToObj(e -> list.at(String.valueOf(e)))
            .map(scope ->
                new Expert(
                    scope.at(names.gate()).get("weight", middle, hidden),
                    scope.at(names.up()).get("weight", middle, hidden),
                    scope.at(names.down()).get("weight", hidden, middle)))
            .toList();
    return (g, x, shares) -> g.experts(x, shares, experts, activation);
  }

  /** All in two tensors: with one row for each input, as Qwen3-VL-MoE is published, or output. */
  private static Pool stacked(
      int hidden, GqaDecoderConfig.Experts config, Activation activation, WeightScope list) {
    long count = config.count();
    long middle = config.intermediateSize();
    if (isStored(list, "gate_up_proj", Shape.of(count, 2 * middle, hidden))
        && isStored(list, "down_proj", Shape.of(count, hidden, middle))) {
      List<Expert> experts =
          Expert.unstack(
              list.get("gate_up_proj", count, 2 * middle, hidden),
              list.get("down_proj", count, hidden, middle));
      return (g, x, shares) -> g.experts(x, shares, experts, activation);
    }
    List<TransposedExpert> experts =
        TransposedExpert.unstack(
            list.get("gate_up_proj", count, hidden, 2 * middle),
            list.get("down_proj", count, middle, hidden));
    return (g, x, shares) -> g.transposedExperts(x, shares, experts, activation);
  }

  /** transformers 5 saves the transposed tensors; where one is square, the other tells. */
  private static boolean isStored(WeightScope list, String name, Shape shape) {
    return list.has(name) && list.source().tensor(list.path() + "." + name).shape().equals(shape);
  }

  @Override
  public Value apply(GraphBuilder g, Value x) {
    Value shares = g.route(router.apply(g, x), config.chosen(), config.normalised());
    Value sum = pool.apply(g, x, shares);
    for (GatedMlp expert : shared) {
      sum = sum.plus(sharedGate == null ? expert.apply(g, x) : sharedGate.apply(g, x, expert));
    }
    return sum;
  }
}
