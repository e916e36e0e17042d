package io.github.vlm4j.text.decoder;

import io.github.vlm4j.core.checkpoint.ConfigNode;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Which layers of a decoder see the last positions only, from the fields that the families have for
 * it: Mistral's {@code sliding_window} holds for all layers; Qwen's only if {@code
 * use_sliding_window} says so, in the layers that {@code layer_types} names or, without it, that
 * {@code max_window_layers} counts. Reference: transformers, {@code models/mistral}, {@code
 * models/qwen2}, {@code models/qwen2_moe}, {@code models/qwen2_vl} and {@code models/qwen3_moe}.
 */
final class WindowFields {

  private static final int DEFAULT_WINDOW = 4096;
  private static final int DEFAULT_MAX_WINDOW_LAYERS = 28;
  private static final int DEFAULT_MAX_WINDOW_LAYERS_VL = 80;

  private WindowFields() {}

  /** Returns the window of each layer, 0 for none; an empty list if there are none at all. */
  static List<Integer> read(ConfigNode node, int layers) {
    String modelType = node.stringOr("model_type", "");
    int window =
        switch (modelType) {
          case "mistral" -> window(node);
          case "qwen2",
              "qwen2_moe",
              "qwen2_vl",
              "qwen2_vl_text",
              "qwen2_5_vl",
              "qwen2_5_vl_text",
              "qwen3",
              "qwen3_moe" ->
              node.booleanOr("use_sliding_window", false) ? window(node) : 0;
          default -> 0;
        };
    if (window == 0) {
      return List.of();
    }
    return switch (modelType) {
      case "mistral", "qwen3_moe" -> IntStream.range(0, layers).map(_ -> window).boxed().toList();
      default -> byLayer(node, modelType, layers, window);
    };
  }

  /** A window that is null is none; one that is not mentioned has the families' default. */
  private static int window(ConfigNode node) {
    String field = "sliding_window";
    if (node.has(field)) {
      return node.positiveInt(field);
    }
    return node.fields().contains(field) ? 0 : DEFAULT_WINDOW;
  }

  private static List<Integer> byLayer(ConfigNode node, String modelType, int layers, int window) {
    if (node.has("layer_types")) {
      return byName(node, layers, window);
    }
    int defaultBound =
        modelType.contains("_vl") ? DEFAULT_MAX_WINDOW_LAYERS_VL : DEFAULT_MAX_WINDOW_LAYERS;
    int bound = node.nonNegativeIntOr("max_window_layers", defaultBound);
    return IntStream.range(0, layers)
        .mapToObj(i -> {
          boolean slides = modelType.equals("qwen2_moe") ? i % 2 == 0 && i < bound : i >= bound;
          return slides ? window : 0;
        })
        .toList();
  }

  private static List<Integer> byName(ConfigNode node, int layers, int window) {
    List<String> types = node.strings("layer_types");
    if (types.size() != layers
        || !List.of("full_attention", "sliding_attention").containsAll(types)) {
      throw node.invalid(
          "layer_types",
          "for each of the " + layers + " layers \"full_attention\" or \"sliding_attention\"");
    }
    return types.stream().map(type -> type.equals("sliding_attention") ? window : 0).toList();
  }
}
