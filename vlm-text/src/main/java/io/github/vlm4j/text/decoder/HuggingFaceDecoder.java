package io.github.vlm4j.text.decoder;

import io.github.vlm4j.core.checkpoint.ConfigNode;
import io.github.vlm4j.core.graph.Activation;
import io.github.vlm4j.core.graph.RopePairing;
import io.github.vlm4j.core.weights.WeightScope;
import java.util.List;
import java.util.Map;

/**
 * Decoders as transformers configures them: the {@code config.json} of a text model, or the {@code
 * text_config} of a model that reads pictures, with the defaults of its {@code model_type}.
 */
public final class HuggingFaceDecoder {

  /**
   * What a family takes for fields that its configuration leaves out.
   *
   * @param vocabularySize {@code vocab_size}
   * @param hiddenSize {@code hidden_size}
   * @param intermediateSize {@code intermediate_size}
   * @param layers {@code num_hidden_layers}
   * @param heads {@code num_attention_heads}
   * @param headDim {@code head_dim}; 0 for {@code hidden_size / num_attention_heads}
   * @param contextLength {@code max_position_embeddings}
   * @param rmsNormEps {@code rms_norm_eps}
   * @param bias which projections of the attention have biases
   * @param queryKeyNorm whether queries and keys are normalised
   */
  public record Defaults(
      int vocabularySize,
      int hiddenSize,
      int intermediateSize,
      int layers,
      int heads,
      int headDim,
      int contextLength,
      double rmsNormEps,
      Bias bias,
      boolean queryKeyNorm) {}

  /** Which projections of an attention have biases. */
  public enum Bias {
    /** None. */
    NONE,
    /** All four, if {@code attention_bias} says so. */
    CONFIGURED,
    /** Queries, keys and values, unless {@code qkv_bias} says otherwise. */
    INPUTS
  }

  private static final Map<String, Defaults> BY_MODEL_TYPE =
      Map.of(
          "llama",
          new Defaults(32_000, 4096, 11_008, 32, 32, 0, 2048, 1e-6, Bias.CONFIGURED, false),
          "mistral",
          new Defaults(32_000, 4096, 14_336, 32, 32, 0, 131_072, 1e-6, Bias.NONE, false),
          "qwen2",
          new Defaults(151_936, 4096, 22_016, 32, 32, 0, 32_768, 1e-6, Bias.INPUTS, false),
          "qwen2_moe",
          new Defaults(151_936, 2048, 5632, 24, 16, 0, 32_768, 1e-6, Bias.INPUTS, false),
          "qwen3",
          new Defaults(151_936, 4096, 22_016, 32, 32, 128, 32_768, 1e-6, Bias.CONFIGURED, true),
          "qwen3_moe",
          new Defaults(151_936, 2048, 6144, 24, 32, 0, 32_768, 1e-6, Bias.CONFIGURED, true));

  /** The {@code model_type}s that {@link #of} takes. */
  public static final List<String> MODEL_TYPES =
      List.of("llama", "mistral", "qwen2", "qwen2_moe", "qwen3", "qwen3_moe");

  private static final DecoderNames QWEN2_MOE =
      DecoderNames.HUGGING_FACE.with(
          new DecoderNames.Experts(
              "gate", "experts", List.of("shared_expert"), "shared_expert_gate"));

  // Far beyond any model, and small enough that no product of them leaves 64 bits.
  private static final int MAX_LAYERS = 1000;
  private static final int MAX_WIDTH = 1 << 20;
  private static final int MAX_HEADS = 1 << 12;
  private static final int MAX_HEAD_DIM = 1 << 12;
  private static final int MAX_VOCABULARY = 1 << 24;

  private HuggingFaceDecoder() {}

  /**
   * Puts a decoder together.
   *
   * @param text its configuration
   * @param tied whether the head is the embedding table
   * @param scope where embeddings, layers and the last norm are: {@code model}
   * @param headScope where an untied head is: {@code lm_head}
   * @throws io.github.vlm4j.core.VlmException if configuration or tensors are not such a decoder's
   */
  public static GqaDecoder of(
      ConfigNode text, boolean tied, WeightScope scope, WeightScope headScope) {
    GqaDecoderConfig config = read(text, tied);
    RotaryEmbedding rotary = TextRotary.read(text, config.attention().headDim());
    DecoderNames names =
        text.string("model_type").equals("qwen2_moe") ? QWEN2_MOE : DecoderNames.HUGGING_FACE;
    return new GqaDecoder(config, rotary, names, scope, headScope);
  }

  /**
   * Reads a configuration by its {@code model_type}.
   *
   * @throws io.github.vlm4j.core.CheckpointException if a field has no usable value, naming it
   */
  public static GqaDecoderConfig read(ConfigNode text, boolean tied) {
    Defaults defaults = BY_MODEL_TYPE.get(text.string("model_type"));
    if (defaults == null) {
      throw text.invalid("model_type", "one of " + String.join(", ", MODEL_TYPES));
    }
    return read(text, defaults, tied);
  }

  /**
   * Reads a configuration.
   *
   * @param defaults what stands for missing fields
   * @throws io.github.vlm4j.core.CheckpointException if a field has no usable value, naming it
   */
  public static GqaDecoderConfig read(ConfigNode node, Defaults defaults, boolean tied) {
    int hidden = sizeOr(node, "hidden_size", defaults.hiddenSize(), MAX_WIDTH);
    int layers = sizeOr(node, "num_hidden_layers", defaults.layers(), MAX_LAYERS);
    return new GqaDecoderConfig(
        sizeOr(node, "vocab_size", defaults.vocabularySize(), MAX_VOCABULARY),
        hidden,
        layers,
        attention(node, defaults, hidden, layers),
        new GqaDecoderConfig.Mlp(
            sizeOr(node, "intermediate_size", defaults.intermediateSize(), MAX_WIDTH),
            Activation.named(node.stringOr("hidden_act", "silu"), node.where() + ".hidden_act"),
            node.booleanOr("mlp_bias", false)),
        ExpertFields.read(node, layers),
        (float) node.positiveDoubleOr("rms_norm_eps", defaults.rmsNormEps()),
        TextRotary.contextLength(node, defaults.contextLength()),
        tied);
  }

  private static GqaDecoderConfig.Attention attention(
      ConfigNode node, Defaults defaults, int hidden, int layers) {
    int heads = sizeOr(node, "num_attention_heads", defaults.heads(), MAX_HEADS);
    int keyValueHeads = sizeOr(node, "num_key_value_heads", heads, MAX_HEADS);
    if (heads % keyValueHeads != 0) {
      throw node.invalid("num_key_value_heads", "a divisor of num_attention_heads, " + heads);
    }
    boolean derived = !node.has("head_dim") && defaults.headDim() == 0;
    if (derived && hidden % (2 * heads) != 0) {
      throw node.invalid(
          "num_attention_heads",
          "such that heads of hidden_size / num_attention_heads dimensions have an even number of"
              + " them, as there is no head_dim");
    }
    int headDim =
        sizeOr(node, "head_dim", derived ? hidden / heads : defaults.headDim(), MAX_HEAD_DIM);
    if (headDim % 2 != 0) {
      throw node.invalid("head_dim", "an even number");
    }
    boolean all = defaults.bias() == Bias.CONFIGURED && node.booleanOr("attention_bias", false);
    return new GqaDecoderConfig.Attention(
        heads,
        keyValueHeads,
        headDim,
        all || defaults.bias() == Bias.INPUTS && node.booleanOr("qkv_bias", true),
        all,
        defaults.queryKeyNorm(),
        node.booleanOr("rope_interleave", false) ? RopePairing.INTERLEAVED : RopePairing.HALVES,
        WindowFields.read(node, layers));
  }

  private static int sizeOr(ConfigNode node, String field, int defaultValue, int max) {
    return node.has(field) ? node.intBetween(field, 1, max) : defaultValue;
  }
}
