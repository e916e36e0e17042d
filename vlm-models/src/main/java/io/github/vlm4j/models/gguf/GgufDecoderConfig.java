package io.github.vlm4j.models.gguf;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.checkpoint.GgufFile;
import io.github.vlm4j.core.checkpoint.GgufMetadata;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.text.tokenizer.GgufTokenizer;
import java.util.List;
import java.util.Optional;

/**
 * The configuration of a decoder as Hugging Face would write it, from what a GGUF file says.
 * Reference: llama.cpp, {@code conversion/base.py}, {@code src/llama-model.cpp}.
 */
final class GgufDecoderConfig {

  private static final String EMBEDDING = "token_embd.weight";
  static final String ROPE_FACTORS = "rope_freqs.weight";
  private static final int MAX_FACTORS = 4096;

  private final GgufFile file;
  private final GgufMetadata metadata;
  private final String architecture;

  GgufDecoderConfig(GgufFile file, String architecture) {
    this.file = file;
    this.metadata = file.metadata();
    this.architecture = architecture;
  }

  /**
   * Returns the fields of a {@code config.json} or of its {@code text_config}.
   *
   * @param modelType its {@code model_type}
   * @throws io.github.vlm4j.core.CheckpointException if the file does not say enough, or what is
   *     not supported
   */
  ObjectNode of(String modelType) {
    if (metadata.countIfPresent(key("expert_count")).orElse(0) > 0) {
      throw metadata.invalid(
          key("expert_count"), "0 or absent, as experts in GGUF files are not supported");
    }
    int heads = metadata.count(key("attention.head_count"));
    ObjectNode config = JsonNodeFactory.instance.objectNode();
    config
        .put("model_type", modelType)
        .put("vocab_size", vocabularySize())
        .put("hidden_size", metadata.count(key("embedding_length")))
        .put("intermediate_size", metadata.count(key("feed_forward_length")))
        .put("num_hidden_layers", metadata.count(key("block_count")))
        .put("num_attention_heads", heads)
        .put(
            "num_key_value_heads",
            metadata.countIfPresent(key("attention.head_count_kv")).orElse(heads))
        .put("max_position_embeddings", metadata.count(key("context_length")))
        .put("rms_norm_eps", metadata.number(key("attention.layer_norm_rms_epsilon")))
        .put("rope_theta", metadata.numberIfPresent(key("rope.freq_base")).orElse(10_000.0))
        .put("tie_word_embeddings", !file.contains("output.weight"))
        .put("attention_bias", file.contains("blk.0.attn_output.bias"))
        .put("qkv_bias", file.contains("blk.0.attn_q.bias"))
        .put("mlp_bias", file.contains("blk.0.ffn_gate.bias"));
    metadata
        .countIfPresent(key("attention.key_length"))
        .or(() -> metadata.countIfPresent(key("rope.dimension_count")))
        .ifPresent(length -> config.put("head_dim", length));
    putRope(config);
    ArrayNode ends = config.putArray("eos_token_id");
    new GgufTokenizer(metadata).ends().forEach(ends::add);
    return config;
  }

  /** The table may have more rows than there are tokens. */
  private long vocabularySize() {
    Shape shape = file.shape(EMBEDDING);
    return shape.rank() == 2 ? shape.dim(0) : 0;
  }

  /**
   * llama.cpp turns neighbouring numbers of a head of the architecture {@code llama}, whose
   * projections it has reordered to that end.
   */
  private void putRope(ObjectNode config) {
    if (architecture.equals("llama")) {
      config.put("rope_interleave", true);
    }
    String type = metadata.textIfPresent(key("rope.scaling.type")).orElse("none");
    if (file.contains(ROPE_FACTORS)) {
      ArrayNode factors =
          config.putObject("rope_scaling").put("rope_type", "factors").putArray("factors");
      for (float factor : ropeFactors()) {
        factors.add(factor);
      }
      return;
    }
    switch (type) {
      case "none" -> {}
      case "linear" ->
          config
              .putObject("rope_scaling")
              .put("rope_type", type)
              .put("factor", metadata.number(key("rope.scaling.factor")));
      case "yarn" -> {
        ObjectNode yarn = config.putObject("rope_scaling").put("rope_type", type);
        yarn.put("factor", metadata.number(key("rope.scaling.factor")));
        yarn.put(
            "original_max_position_embeddings",
            metadata.count(key("rope.scaling.original_context_length")));
        putAttentionFactor(yarn, metadata.number(key("rope.scaling.factor")));
        put(yarn, "beta_fast", "rope.scaling.yarn_beta_fast");
        put(yarn, "beta_slow", "rope.scaling.yarn_beta_slow");
      }
      default ->
          throw metadata.invalid(
              key("rope.scaling.type"), "\"none\", \"linear\" or \"yarn\", which are supported");
    }
  }

  private float[] ropeFactors() {
    if (file.dtype(ROPE_FACTORS) != DType.F32
        || file.shape(ROPE_FACTORS).elements() > MAX_FACTORS) {
      throw new CheckpointException(
          file.describe(ROPE_FACTORS)
              + " must hold at most "
              + MAX_FACTORS
              + " numbers of F32, one for each pair of a head");
    }
    return file.tensor(ROPE_FACTORS).toFloats();
  }

  /** llama.cpp multiplies what is usual for a factor by one of the file's own. */
  private void putAttentionFactor(ObjectNode yarn, double factor) {
    double usual = factor <= 1 ? 1 : 0.1 * Math.log(factor) + 1;
    metadata
        .numberIfPresent(key("rope.scaling.attn_factor"))
        .ifPresent(own -> yarn.put("attention_factor", own * usual));
  }

  private void put(ObjectNode node, String field, String name) {
    metadata.numberIfPresent(key(name)).ifPresent(value -> node.put(field, value));
  }

  /** Returns the first three of the numbers that say how positions share a head's angles. */
  List<Integer> ropeSections() {
    String key = key("rope.dimension_sections");
    int[] sections = metadata.ints(key);
    if (sections.length < 3) {
      throw metadata.invalid(key, "three numbers or more: time, height and width");
    }
    return List.of(sections[0], sections[1], sections[2]);
  }

  Optional<Integer> tokenId(String token) {
    return new GgufTokenizer(metadata).idOf(token);
  }

  private String key(String name) {
    return architecture + "." + name;
  }
}
