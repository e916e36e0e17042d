package io.github.vlm4j.models.gguf;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.vlm4j.core.checkpoint.GgufFile;
import io.github.vlm4j.core.checkpoint.GgufMetadata;
import io.github.vlm4j.core.checkpoint.JsonTree;
import io.github.vlm4j.core.tensor.Shape;
import java.util.ArrayList;
import java.util.List;

/**
 * The vision tower of an {@code mmproj} file: its configuration as Hugging Face would write it, and
 * how pictures are prepared. What the file leaves out is what llama.cpp takes. Reference:
 * llama.cpp, {@code conversion/qwenvl.py}, {@code conversion/qwen3vl.py}, {@code
 * tools/mtmd/clip.cpp}.
 */
final class GgufVision {

  static final String PREFIX = "clip.vision.";
  static final String PROJECTOR = "clip.projector_type";
  private static final String VISION_PROJECTOR = PREFIX + "projector_type";
  static final int MERGE = 2;
  static final int FRAMES = 2;
  static final int WINDOW = 112;
  private static final int MIN_TOKENS = 8;
  private static final int MAX_TOKENS = 4096;

  /** What Hugging Face and llama.cpp call the kinds of towers. */
  enum Kind {
    QWEN2("qwen2vl_merger", "qwen2_vl"),
    QWEN2_5("qwen2.5vl_merger", "qwen2_5_vl"),
    QWEN3("qwen3vl_merger", "qwen3_vl"),
    LLAVA("mlp", "llava");

    private final String projector;
    private final String modelType;

    Kind(String projector, String modelType) {
      this.projector = projector;
      this.modelType = modelType;
    }

    String projector() {
      return projector;
    }

    String modelType() {
      return modelType;
    }
  }

  private final GgufFile file;
  private final GgufMetadata metadata;
  private final Kind kind;

  /**
   * Takes an {@code mmproj} file.
   *
   * @throws io.github.vlm4j.core.CheckpointException if it is none or of a kind that is not
   *     supported
   */
  GgufVision(GgufFile file) {
    this.file = file;
    this.metadata = file.metadata();
    if (!metadata.text("general.architecture").equals("clip")) {
      throw metadata.invalid("general.architecture", "\"clip\", that of an mmproj file");
    }
    this.kind = kind(metadata);
  }

  private static Kind kind(GgufMetadata metadata) {
    String key = metadata.has(PROJECTOR) ? PROJECTOR : VISION_PROJECTOR;
    String projector = metadata.text(key);
    for (Kind kind : Kind.values()) {
      if (kind.projector.equals(projector)) {
        return kind;
      }
    }
    throw metadata.invalid(
        key,
        "\"qwen2vl_merger\", \"qwen2.5vl_merger\", \"qwen3vl_merger\" or \"mlp\", the vision"
            + " encoders that are supported in GGUF files");
  }

  GgufFile file() {
    return file;
  }

  Kind kind() {
    return kind;
  }

  GgufNames names() {
    return switch (kind) {
      case QWEN2 -> GgufNames.qwen2Vision();
      case QWEN2_5 -> GgufNames.qwen25Vision();
      case QWEN3 -> GgufNames.qwen3Vision(deepstack());
      case LLAVA ->
          GgufNames.llavaVision(
              width("v.blk.0.ffn_down.weight") != metadata.count(PREFIX + "embedding_length"));
    };
  }

  /** Returns the fields of the {@code vision_config}. */
  ObjectNode config() {
    ObjectNode config = JsonNodeFactory.instance.objectNode();
    int hidden = metadata.count(PREFIX + "embedding_length");
    if (kind == Kind.LLAVA) {
      return clip(config, hidden);
    }
    config
        .put("depth", metadata.count(PREFIX + "block_count"))
        .put("num_heads", metadata.count(PREFIX + "attention.head_count"))
        .put("patch_size", patchSize())
        .put("temporal_patch_size", FRAMES)
        .put("spatial_merge_size", mergeSize())
        .put("in_channels", 3);
    int projection = metadata.count(PREFIX + "projection_dim");
    if (kind == Kind.QWEN2) {
      config.put("embed_dim", hidden).put("hidden_size", projection);
      config.put("mlp_ratio", width("v.blk.0.ffn_up.weight") / (double) Math.max(1, hidden));
      config.put("hidden_act", activation("quick_gelu"));
      return config;
    }
    config
        .put("hidden_size", hidden)
        .put("out_hidden_size", projection)
        .put("intermediate_size", metadata.count(PREFIX + "feed_forward_length"));
    if (kind == Kind.QWEN2_5) {
      config.put("hidden_act", activation("quick_gelu"));
      putWindows(config);
    } else {
      config.put("hidden_act", activation("gelu_pytorch_tanh"));
      config.put("num_position_embeddings", width("v.position_embd.weight"));
      ArrayNode taps = config.putArray("deepstack_visual_indexes");
      deepstack().forEach(taps::add);
    }
    return config;
  }

  private ObjectNode clip(ObjectNode config, int hidden) {
    return config
        .put("model_type", "clip_vision_model")
        .put("hidden_size", hidden)
        .put("intermediate_size", metadata.count(PREFIX + "feed_forward_length"))
        .put("num_hidden_layers", metadata.count(PREFIX + "block_count"))
        .put("num_attention_heads", metadata.count(PREFIX + "attention.head_count"))
        .put("image_size", metadata.count(PREFIX + "image_size"))
        .put("patch_size", patchSize())
        .put("layer_norm_eps", metadata.number(PREFIX + "attention.layer_norm_epsilon"))
        .put("hidden_act", activation("quick_gelu"));
  }

  /**
   * Returns which hidden states LLaVA's projector reads; those before the last layer by default.
   */
  int[] featureLayers() {
    String key = PREFIX + "feature_layer";
    return metadata.has(key)
        ? metadata.ints(key)
        : new int[] {metadata.count(PREFIX + "block_count") - 1};
  }

  private String activation(String otherwise) {
    if (metadata.flagIfPresent("clip.use_gelu").orElse(false)) {
      return "gelu_pytorch_tanh";
    }
    return metadata.flagIfPresent("clip.use_silu").orElse(false) ? "silu" : otherwise;
  }

  /** Every so many blocks one sees all; the others see windows of 112 pixels. */
  private void putWindows(ObjectNode config) {
    String key = PREFIX + "n_wa_pattern";
    int every = metadata.count(key);
    if (every < 1) {
      throw metadata.invalid(key, "a positive number");
    }
    int depth = metadata.count(PREFIX + "block_count");
    ArrayNode full = config.putArray("fullatt_block_indexes");
    for (long block = every - 1L; block < Math.min(depth, 1 << 10); block += every) {
      full.add((int) block);
    }
    config.put("window_size", metadata.countIfPresent(PREFIX + "window_size").orElse(WINDOW));
  }

  private long width(String tensor) {
    Shape shape = file.shape(tensor);
    return shape.rank() == 2 ? shape.dim(0) : 0;
  }

  private List<Integer> deepstack() {
    String key = PREFIX + "is_deepstack_layers";
    List<Integer> layers = new ArrayList<>();
    if (metadata.has(key)) {
      List<Boolean> flags = metadata.flags(key);
      for (int layer = 0; layer < flags.size(); layer++) {
        if (flags.get(layer)) {
          layers.add(layer);
        }
      }
    }
    return layers;
  }

  private int patchSize() {
    return metadata.count(PREFIX + "patch_size");
  }

  private int mergeSize() {
    return metadata.countIfPresent(PREFIX + "spatial_merge_size").orElse(MERGE);
  }

  /** Returns the text that stands for a {@code preprocessor_config.json}. */
  String preprocessorJson() {
    return kind == Kind.LLAVA ? clipPreprocessorJson() : qwenPreprocessorJson();
  }

  private String clipPreprocessorJson() {
    int side = metadata.count(PREFIX + "image_size");
    ObjectNode config = JsonNodeFactory.instance.objectNode();
    config.put("image_processor_type", "CLIPImageProcessor");
    config.putObject("size").put("shortest_edge", side);
    config.putObject("crop_size").put("height", side).put("width", side);
    putNumbers(config.putArray("image_mean"), "image_mean");
    putNumbers(config.putArray("image_std"), "image_std");
    return JsonTree.text(config);
  }

  private String qwenPreprocessorJson() {
    long block = (long) patchSize() * patchSize() * mergeSize() * mergeSize();
    ObjectNode config = JsonNodeFactory.instance.objectNode();
    config
        .put("patch_size", patchSize())
        .put("temporal_patch_size", FRAMES)
        .put("merge_size", mergeSize())
        .put("min_pixels", pixels("image_min_pixels", MIN_TOKENS * block))
        .put("max_pixels", pixels("image_max_pixels", MAX_TOKENS * block));
    putNumbers(config.putArray("image_mean"), "image_mean");
    putNumbers(config.putArray("image_std"), "image_std");
    return JsonTree.text(config);
  }

  private long pixels(String key, long otherwise) {
    return metadata.countIfPresent(PREFIX + key).map(Integer::longValue).orElse(otherwise);
  }

  private void putNumbers(ArrayNode list, String key) {
    for (double number : metadata.numbers(PREFIX + key)) {
      list.add(number);
    }
  }
}
