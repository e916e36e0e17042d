package io.github.vlm4j.core.nn;

import io.github.vlm4j.core.graph.Activation;
import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.weights.WeightScope;
import java.util.ArrayList;
import java.util.List;

/**
 * A pre-norm transformer block: {@code h = x + attention(norm1(x)); y = h + mlp(norm2(h))}. The
 * encoders of CLIP and SigLIP, for pictures as for words, are stacks of it.
 *
 * @param norm1 before the attention
 * @param attention to all rows, or to itself and earlier ones
 * @param norm2 before the MLP
 * @param mlp the MLP
 */
public record EncoderBlock(
    LayerNorm norm1, MultiHeadAttention attention, LayerNorm norm2, Mlp mlp) {

  /**
   * The sizes that all blocks of a stack share.
   *
   * @param hidden the length of a row
   * @param intermediate the middle of the MLP
   * @param heads the attention heads
   * @param activation the MLP's non-linearity
   * @param eps what the norms add to the variance
   */
  public record Sizes(int hidden, int intermediate, int heads, Activation activation, float eps) {}

  /** What a stack of blocks computes: its input and the output of each, and their attention. */
  public record Stack(List<Value> hiddenStates, List<Value> attentions) {

    /** Keeps immutable copies. */
    public Stack {
      hiddenStates = List.copyOf(hiddenStates);
      attentions = List.copyOf(attentions);
    }

    /** Returns the output of the last block. */
    public Value last() {
      return hiddenStates.getLast();
    }
  }

  /** Takes a block's parameters under transformers' names. */
  public static EncoderBlock of(WeightScope scope, Sizes sizes) {
    return new EncoderBlock(
        LayerNorm.of(scope.at("layer_norm1"), sizes.hidden(), sizes.eps()),
        MultiHeadAttention.of(scope.at("self_attn"), sizes.hidden(), sizes.heads()),
        LayerNorm.of(scope.at("layer_norm2"), sizes.hidden(), sizes.eps()),
        Mlp.of(scope.at("mlp"), sizes.hidden(), sizes.intermediate(), sizes.activation()));
  }

  /** Takes a block's parameters under the names of OpenAI's CLIP. */
  public static EncoderBlock openAi(WeightScope scope, Sizes sizes) {
    return new EncoderBlock(
        LayerNorm.of(scope.at("ln_1"), sizes.hidden(), sizes.eps()),
        MultiHeadAttention.fused(scope.at("attn"), sizes.hidden(), sizes.heads()),
        LayerNorm.of(scope.at("ln_2"), sizes.hidden(), sizes.eps()),
        new Mlp(
            Linear.of(scope.at("mlp.c_fc"), sizes.hidden(), sizes.intermediate()),
            sizes.activation(),
            Linear.of(scope.at("mlp.c_proj"), sizes.intermediate(), sizes.hidden())));
  }

  /**
   * Adds a stack of blocks to a graph.
   *
   * @param x {@code [rows, hidden]}
   * @param causal whether a row sees only itself and earlier rows of its segment
   * @param segments the lengths of runs of rows that see nothing of each other
   */
  public static Stack stack(
      GraphBuilder g, List<EncoderBlock> blocks, Value x, boolean causal, List<Integer> segments) {
    List<Value> hiddenStates = new ArrayList<>(List.of(x));
    List<Value> attentions = new ArrayList<>();
    for (int i = 0; i < blocks.size(); i++) {
      GraphBuilder layer = g.at("layers." + i);
      hiddenStates.add(
          blocks.get(i).apply(layer, hiddenStates.getLast(), causal, segments, attentions));
    }
    return new Stack(hiddenStates, attentions);
  }

  private Value apply(
      GraphBuilder g, Value x, boolean causal, List<Integer> segments, List<Value> attentions) {
    Value normed = norm1.apply(g.at("norm1"), x);
    Value h = x.plus(attention.apply(g.at("attn"), normed, causal, segments, attentions));
    return h.plus(mlp.apply(g.at("mlp"), norm2.apply(g.at("norm2"), h)));
  }
}
