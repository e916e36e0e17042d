package io.github.vlm4j.text.decoder;

import io.github.vlm4j.core.checkpoint.ConfigNode;
import io.github.vlm4j.text.decoder.GqaDecoderConfig.Experts;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * The experts of a Qwen2-MoE, Qwen3-MoE or Qwen3-VL-MoE decoder. Reference: transformers, {@code
 * models/qwen2_moe}, {@code models/qwen3_moe} and {@code models/qwen3_vl_moe}.
 */
final class ExpertFields {

  private static final int MAX_EXPERTS = 1 << 10;
  private static final int MAX_WIDTH = 1 << 20;

  private ExpertFields() {}

  /** Returns the experts that a configuration names; empty for a decoder of another kind. */
  static Optional<Experts> read(ConfigNode node, int layers) {
    return switch (node.stringOr("model_type", "")) {
      case "qwen2_moe" -> {
        int shared = sizeOr(node, "shared_expert_intermediate_size", 5632, MAX_WIDTH);
        yield Optional.of(read(node, layers, new Defaults(60, 4, 1408), normalised(node), shared));
      }
      case "qwen3_moe" ->
          Optional.of(read(node, layers, new Defaults(128, 8, 768), normalised(node), 0));
      // Whatever its configuration says, it normalises.
      case "qwen3_vl_moe_text" ->
          Optional.of(read(node, layers, new Defaults(60, 4, 1408), true, 0));
      default -> Optional.empty();
    };
  }

  private record Defaults(int count, int chosen, int intermediateSize) {}

  private static boolean normalised(ConfigNode node) {
    return node.booleanOr("norm_topk_prob", false);
  }

  private static Experts read(
      ConfigNode node, int layers, Defaults defaults, boolean normalised, int shared) {
    // transformers 5 renames the field when it saves.
    String countField = node.has("num_experts") ? "num_experts" : "num_local_experts";
    int count = sizeOr(node, countField, defaults.count(), MAX_EXPERTS);
    int chosen = sizeOr(node, "num_experts_per_tok", defaults.chosen(), MAX_EXPERTS);
    if (chosen > count) {
      throw node.invalid("num_experts_per_tok", "at most " + countField + ", " + count);
    }
    return new Experts(
        count,
        chosen,
        sizeOr(node, "moe_intermediate_size", defaults.intermediateSize(), MAX_WIDTH),
        normalised,
        shared,
        denseLayers(node, layers));
  }

  private static Set<Integer> denseLayers(ConfigNode node, int layers) {
    int step = node.positiveIntOr("decoder_sparse_step", 1);
    Set<Integer> dense = new TreeSet<>();
    for (int layer : node.intsOr("mlp_only_layers")) {
      dense.add(layer);
    }
    for (int layer = 0; layer < layers; layer++) {
      if ((layer + 1) % step != 0) {
        dense.add(layer);
      }
    }
    return dense;
  }

  private static int sizeOr(ConfigNode node, String field, int defaultValue, int max) {
    return node.has(field) ? node.intBetween(field, 1, max) : defaultValue;
  }
}
