package io.github.vlm4j.models.minimindv;

import io.github.vlm4j.core.checkpoint.ConfigNode;
import io.github.vlm4j.core.graph.Activation;
import io.github.vlm4j.models.family.TensorShapes;
import io.github.vlm4j.models.minimindv.MiniMindLayout.Decoding;
import io.github.vlm4j.text.decoder.DecoderNames;
import io.github.vlm4j.text.decoder.GqaDecoderConfig;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * Reads what a MiniMind's layers have behind their attention: an MLP or, in all layers, experts. In
 * the early layouts a row goes to two of four and to one that is shared, later to one of four.
 *
 * @param layout the layout of the decoder
 * @param config what the configuration says
 * @param tensors the checkpoint, if it is known
 */
record MiniMindFeedForward(Decoding layout, ConfigNode config, Optional<TensorShapes> tensors) {

  private static final int MAX_WIDTH = 1 << 20;
  private static final int MAX_EXPERTS = 1 << 12;
  private static final int MAX_SHARED = 64;

  private boolean recent() {
    return layout == Decoding.QUERY_KEY_NORM;
  }

  private String tensor(String name) {
    return layout.inFirstLayer(layout.names().mlp().scope() + "." + name);
  }

  private String router() {
    return tensor(layout.names().experts().router() + ".weight");
  }

  GqaDecoderConfig.Mlp mlp(int hidden) {
    String field = layout == Decoding.META ? "hidden_dim" : "intermediate_size";
    Activation activation =
        Activation.named(config.stringOr("hidden_act", "silu"), config.where() + ".hidden_act");
    return new GqaDecoderConfig.Mlp(
        config.has(field) ? config.intBetween(field, 1, MAX_WIDTH) : middle(hidden),
        activation,
        false);
  }

  /** The middle as it is in the checkpoint, or else as the published code computes it. */
  private int middle(int hidden) {
    double wanted = recent() ? Math.ceil(hidden * Math.PI) : Math.floor(hidden * 8.0 / 3);
    String gate = layout.names().mlp().gate() + ".weight";
    String stored = hasExperts() ? layout.names().experts().experts() + ".0." + gate : gate;
    return tensors
        .map(shapes -> shapes.extent(tensor(stored), 2, 0))
        .orElse(64 * (int) Math.ceil(wanted / 64));
  }

  /**
   * Reads the experts; empty if there are none.
   *
   * @param middle the middle of an MLP
   * @throws io.github.vlm4j.core.CheckpointException if the configuration contradicts the tensors
   */
  Optional<GqaDecoderConfig.Experts> experts(int middle) {
    boolean has = hasExperts();
    if (config.has("use_moe") && config.booleanValue("use_moe") != has) {
      throw config.invalid(
          "use_moe",
          has
              ? "true, as the checkpoint has the tensor " + router()
              : "false, as the checkpoint has no tensor " + router());
    }
    if (!has) {
      return Optional.empty();
    }
    if (!recent() && !config.stringOr("scoring_func", "softmax").equals("softmax")) {
      throw config.invalid("scoring_func", "\"softmax\"");
    }
    int count = count();
    String chosenField = "num_experts_per_tok";
    int chosen =
        config.has(chosenField)
            ? config.intBetween(chosenField, 1, count)
            : Math.min(count, recent() ? 1 : 2);
    // The early code leaves the share of a single expert as it is.
    boolean normalised = config.booleanOr("norm_topk_prob", true) && (recent() || chosen > 1);
    int width =
        recent() && config.has("moe_intermediate_size")
            ? config.intBetween("moe_intermediate_size", 1, MAX_WIDTH)
            : middle;
    return Optional.of(
        new GqaDecoderConfig.Experts(count, chosen, width, normalised, width, Set.of()));
  }

  private boolean hasExperts() {
    return tensors
        .map(shapes -> shapes.contains(router()))
        .orElseGet(() -> config.booleanOr("use_moe", false));
  }

  private int count() {
    String field = recent() ? "num_experts" : "n_routed_experts";
    int count =
        tensors
            .map(shapes -> shapes.extent(router(), 2, 0))
            .orElseGet(() -> config.positiveIntOr(field, 4));
    if (count > MAX_EXPERTS || config.has(field) && config.intValue(field) != count) {
      throw config.invalid(
          field,
          count <= MAX_EXPERTS
              ? count + ", the number of rows of the checkpoint's " + router()
              : "at most " + MAX_EXPERTS);
    }
    return count;
  }

  /** Returns the names of the decoder's parts with those of its shared experts. */
  DecoderNames names() {
    DecoderNames names = layout.names();
    DecoderNames.Experts experts = names.experts();
    List<String> shared = hasExperts() ? shared() : List.of();
    return names.with(new DecoderNames.Experts(experts.router(), experts.experts(), shared, null));
  }

  private List<String> shared() {
    return switch (layout) {
      case META -> {
        String one = tensor("shared_experts." + layout.names().mlp().gate() + ".weight");
        yield tensors.map(shapes -> shapes.contains(one)).orElse(true)
            ? List.of("shared_experts")
            : List.of();
      }
      case HUGGING_FACE ->
          IntStream.range(0, sharedCount()).mapToObj(i -> "shared_experts." + i).toList();
      case QUERY_KEY_NORM -> List.of();
    };
  }

  private int sharedCount() {
    String field = "n_shared_experts";
    String prefix = tensor("shared_experts.");
    int place = (int) prefix.chars().filter(c -> c == '.').count();
    int count =
        tensors
            .map(shapes -> shapes.count(prefix, place))
            .orElseGet(() -> config.nonNegativeIntOr(field, 1));
    if (count > MAX_SHARED || config.has(field) && config.intValue(field) != count) {
      throw config.invalid(
          field,
          count <= MAX_SHARED
              ? count + ", as many as the checkpoint has under " + prefix + "N"
              : "at most " + MAX_SHARED);
    }
    return count;
  }
}
