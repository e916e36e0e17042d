package io.github.vlm4j.models.clipqwen;

import io.github.vlm4j.core.checkpoint.ConfigNode;
import io.github.vlm4j.core.graph.Activation;
import io.github.vlm4j.core.graph.RopePairing;
import io.github.vlm4j.text.decoder.GqaDecoderConfig;
import io.github.vlm4j.text.decoder.QwenRotary;
import java.util.List;

/**
 * The {@code config.json} of Qwen's first generation, as the code of August 2023 spells it ({@code
 * n_embd}, {@code ffn_hidden_size}, {@code padded_vocab_size}) and as all later code does ({@code
 * hidden_size}, {@code intermediate_size}, {@code vocab_size}).
 *
 * @param decoder its sizes
 * @param rotary its angles
 */
record QwenConfig(GqaDecoderConfig decoder, QwenRotary rotary) {

  // Far beyond any model, and small enough that no product of them leaves 64 bits.
  private static final int MAX_LAYERS = 1000;
  private static final int MAX_WIDTH = 1 << 20;
  private static final int MAX_HEADS = 1 << 12;
  private static final int MAX_HEAD_DIM = 1 << 12;
  private static final int MAX_VOCABULARY = 1 << 24;

  private static final int DEFAULT_CONTEXT = 8192;
  private static final double DEFAULT_THETA = 10_000;

  static QwenConfig read(ConfigNode config) {
    boolean early = config.has("n_embd");
    requireSupported(config);
    String width = early ? "n_embd" : "hidden_size";
    int hidden = config.intBetween(width, 1, MAX_WIDTH);
    int heads = config.intBetween(early ? "n_head" : "num_attention_heads", 1, MAX_HEADS);
    int headDim = config.intBetween("kv_channels", 4, MAX_HEAD_DIM);
    if (headDim * heads != hidden || headDim % 2 != 0) {
      throw config.invalid(
          "kv_channels", width + " / number of heads, " + hidden + " / " + heads + ", and even");
    }
    int middle = config.intBetween(early ? "ffn_hidden_size" : "intermediate_size", 2, MAX_WIDTH);
    boolean bias = !config.booleanOr("no_bias", true);
    var attention =
        new GqaDecoderConfig.Attention(
            heads, heads, headDim, true, bias, false, RopePairing.HALVES, List.of());
    var decoder =
        new GqaDecoderConfig(
            config.intBetween(early ? "padded_vocab_size" : "vocab_size", 1, MAX_VOCABULARY),
            hidden,
            config.intBetween(early ? "n_layer" : "num_hidden_layers", 1, MAX_LAYERS),
            attention,
            // The two projections of the gate are counted as one there.
            new GqaDecoderConfig.Mlp(middle / 2, Activation.SILU, bias),
            (float) config.positiveDoubleOr("layer_norm_epsilon", early ? 1e-5 : 1e-6),
            config.positiveIntOr(
                early ? "n_positions" : "max_position_embeddings", DEFAULT_CONTEXT),
            config.booleanOr("tie_word_embeddings", false));
    var rotary =
        new QwenRotary(
            headDim,
            config.positiveDoubleOr("rotary_emb_base", DEFAULT_THETA),
            config.intBetween("seq_length", 2, Integer.MAX_VALUE),
            config.booleanOr("use_dynamic_ntk", !early),
            config.booleanOr("use_logn_attn", !early));
    return new QwenConfig(decoder, rotary);
  }

  /** No published model departs from these, and the later code no longer knows some of them. */
  private static void requireSupported(ConfigNode config) {
    if (config.doubleOr("rotary_pct", 1) != 1) {
      throw config.invalid("rotary_pct", "1, as only whole heads are turned");
    }
    if (!config.stringOr("pos_emb", "rotary").equals("rotary")) {
      throw config.invalid("pos_emb", "\"rotary\"");
    }
    if (!config.stringOr("activation", "swiglu").equals("swiglu")) {
      throw config.invalid("activation", "\"swiglu\"");
    }
    if (config.booleanOr("apply_residual_connection_post_layernorm", false)) {
      throw config.invalid("apply_residual_connection_post_layernorm", "false");
    }
  }
}
