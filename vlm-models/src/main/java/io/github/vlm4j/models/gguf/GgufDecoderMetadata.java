package io.github.vlm4j.models.gguf;

import io.github.vlm4j.core.ModelException;
import io.github.vlm4j.core.checkpoint.ConfigNode;
import io.github.vlm4j.core.checkpoint.GgufValue;
import io.github.vlm4j.core.graph.Activation;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.models.qwenvl.QwenVlDecoder;
import io.github.vlm4j.text.decoder.GqaDecoderConfig;
import io.github.vlm4j.text.decoder.HuggingFaceDecoder;
import io.github.vlm4j.text.decoder.TextRotary;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SequencedMap;

/**
 * What a GGUF file says of a decoder, from its {@code config.json}: the other way round than {@link
 * GgufDecoderConfig}.
 */
final class GgufDecoderMetadata {

  /** llama.cpp's architecture of each {@code model_type}. */
  private static final Map<String, String> ARCHITECTURES =
      Map.of("llama", "llama", "mistral", "llama", "qwen2", "qwen2", "qwen3", "qwen3");

  private static final double THETA = 10_000;

  private final ConfigNode config;
  private final GqaDecoderConfig decoder;
  private final String architecture;
  private final double defaultTheta;
  private final Optional<ConfigNode> rope;
  private final Map<String, GgufValue> further;

  private GgufDecoderMetadata(
      ConfigNode config,
      GqaDecoderConfig decoder,
      String architecture,
      double defaultTheta,
      Map<String, GgufValue> further) {
    this.config = config;
    this.decoder = decoder;
    this.architecture = architecture;
    this.defaultTheta = defaultTheta;
    this.further = further;
    this.rope =
        config
            .objectIfPresent("rope_scaling")
            .filter(node -> !node.fields().isEmpty())
            .or(() -> config.objectIfPresent("rope_parameters"));
    boolean windows = decoder.attention().windows().stream().anyMatch(window -> window > 0);
    boolean plain = decoder.mlp().hiddenAct() == Activation.SILU;
    if (windows || !plain || architecture.startsWith("qwen") && decoder.attention().outputBias()) {
      throw new ModelException(
          config.where()
              + ": a model of this kind with "
              + (windows ? "sliding windows" : plain ? "biases in all projections" : "another MLP")
              + " cannot be written as GGUF, as llama.cpp does not know of it.");
    }
  }

  /** Returns whether a {@code model_type} is that of a language model that is written. */
  static boolean knows(String modelType) {
    return ARCHITECTURES.containsKey(modelType);
  }

  /**
   * Reads the configuration of a language model, or the {@code text_config} that is one.
   *
   * @param tied whether the head is the table of embeddings
   * @throws io.github.vlm4j.core.CheckpointException if it is malformed
   * @throws ModelException if llama.cpp has no such model
   */
  static GgufDecoderMetadata of(ConfigNode config, boolean tied) {
    String architecture = ARCHITECTURES.get(config.string("model_type"));
    if (architecture == null) {
      throw config.invalid(
          "model_type", "llama, mistral, qwen2 or qwen3, the decoders that are written as GGUF");
    }
    return new GgufDecoderMetadata(
        config, HuggingFaceDecoder.read(config, tied), architecture, THETA, Map.of());
  }

  /**
   * Takes the decoder of a Qwen2-VL, Qwen2.5-VL or Qwen3-VL.
   *
   * @param config what it was read from
   * @param deepstack how many of its first layers get hidden states of the vision encoder
   * @throws ModelException if llama.cpp has no such model
   */
  static GgufDecoderMetadata qwenVl(
      ConfigNode config, QwenVlDecoder decoder, String architecture, OptionalInt deepstack) {
    GqaDecoderConfig sizes = decoder.config();
    long[] sections = new long[4];
    for (int i = 0; i < decoder.mropeSections().size(); i++) {
      sections[i] = decoder.mropeSections().get(i);
    }
    if (Arrays.stream(sections).sum() != sizes.attention().headDim() / 2) {
      throw new ModelException(
          config.where()
              + ": a model whose mrope_section does not make half of a head cannot be written as"
              + " GGUF, as llama.cpp begins anew where it ends.");
    }
    SequencedMap<String, GgufValue> further = new LinkedHashMap<>();
    further.put(
        "rope.dimension_sections", new GgufValue.Wholes(GgufValue.WholeType.INT32, sections));
    deepstack.ifPresent(count -> further.put("n_deepstack_layers", GgufValue.uint32(count)));
    return new GgufDecoderMetadata(config, sizes, architecture, decoder.ropeTheta(), further);
  }

  GqaDecoderConfig decoder() {
    return decoder;
  }

  /** Returns the tokens that end a text, where the configuration names any. */
  int[] ends() {
    return config.oneOrMoreInts("eos_token_id");
  }

  /** Returns whether queries and keys are reordered, as llama.cpp turns neighbours of a head. */
  boolean interleaves() {
    return architecture.equals("llama");
  }

  /** Returns the entries before those of the tokenizer. */
  SequencedMap<String, GgufValue> metadata() {
    SequencedMap<String, GgufValue> metadata = new LinkedHashMap<>();
    metadata.put("general.architecture", new GgufValue.Text(architecture));
    metadata.put("general.type", new GgufValue.Text("model"));
    GqaDecoderConfig.Attention attention = decoder.attention();
    putCount(metadata, "vocab_size", decoder.vocabularySize());
    putCount(metadata, "context_length", ownLength());
    putCount(metadata, "embedding_length", decoder.hiddenSize());
    putCount(metadata, "block_count", decoder.layers());
    putCount(metadata, "feed_forward_length", decoder.mlp().intermediateSize());
    putCount(metadata, "attention.head_count", attention.heads());
    putCount(metadata, "attention.head_count_kv", attention.keyValueHeads());
    putCount(metadata, "attention.key_length", attention.headDim());
    putCount(metadata, "attention.value_length", attention.headDim());
    putCount(metadata, "rope.dimension_count", attention.headDim());
    putNumber(metadata, "attention.layer_norm_rms_epsilon", decoder.rmsNormEps());
    putNumber(metadata, "rope.freq_base", theta());
    putScaling(metadata);
    further.forEach((name, value) -> metadata.put(key(name), value));
    return metadata;
  }

  /** The length before the rotary settings stretch it, which readers of the file do again. */
  private int ownLength() {
    return config.positiveIntOr("max_position_embeddings", decoder.contextLength());
  }

  private double theta() {
    ConfigNode node = rope.filter(settings -> settings.has("rope_theta")).orElse(config);
    return node.positiveDoubleOr("rope_theta", defaultTheta);
  }

  private String ropeType() {
    return rope.map(node -> node.stringOr("rope_type", node.stringOr("type", "default")))
        .orElse("default");
  }

  private void putScaling(Map<String, GgufValue> metadata) {
    String type = ropeType();
    if (!type.equals("linear") && !type.equals("yarn")) {
      return;
    }
    ConfigNode node = rope.orElseThrow();
    metadata.put(key("rope.scaling.type"), new GgufValue.Text(type));
    putNumber(metadata, "rope.scaling.factor", node.positiveDouble("factor"));
    if (type.equals("yarn")) {
      if (!node.booleanOr("truncate", true)) {
        throw node.invalid("truncate", "true or absent, as llama.cpp always does so");
      }
      String field = "original_max_position_embeddings";
      putCount(
          metadata,
          "rope.scaling.original_context_length",
          (config.has(field) ? config : node).positiveIntOr(field, ownLength()));
      double factor = node.positiveDouble("factor");
      double usual = factor <= 1 ? 1 : 0.1 * Math.log(factor) + 1;
      double own = TextRotary.read(config, decoder.attention().headDim()).attentionFactor();
      if (Math.abs(own / usual - 1) > 1e-6) {
        putNumber(metadata, "rope.scaling.attn_factor", own / usual);
      }
      copy(metadata, node, "beta_fast", "rope.scaling.yarn_beta_fast");
      copy(metadata, node, "beta_slow", "rope.scaling.yarn_beta_slow");
    }
  }

  private void copy(Map<String, GgufValue> metadata, ConfigNode node, String field, String name) {
    if (node.has(field)) {
      putNumber(metadata, name, node.positiveDouble(field));
    }
  }

  /** Returns what each frequency is divided by, where it is more than the settings can say. */
  Optional<Tensor> ropeFactors() {
    if (!ropeType().equals("llama3")) {
      return Optional.empty();
    }
    int headDim = decoder.attention().headDim();
    float[] plain = TextRotary.of(headDim, theta()).frequencies();
    float[] stretched = TextRotary.read(config, headDim).frequencies();
    float[] factors = new float[plain.length];
    for (int i = 0; i < factors.length; i++) {
      factors[i] = plain[i] / stretched[i];
    }
    return Optional.of(Tensor.ofFloats(factors, factors.length));
  }

  private void putCount(Map<String, GgufValue> metadata, String name, long value) {
    metadata.put(key(name), GgufValue.uint32(value));
  }

  private void putNumber(Map<String, GgufValue> metadata, String name, double value) {
    metadata.put(key(name), GgufValue.float32(value));
  }

  private String key(String name) {
    return architecture + "." + name;
  }
}
