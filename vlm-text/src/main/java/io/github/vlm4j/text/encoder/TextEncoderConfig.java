package io.github.vlm4j.text.encoder;

import io.github.vlm4j.core.checkpoint.ConfigNode;
import io.github.vlm4j.core.graph.Activation;
import io.github.vlm4j.core.nn.EncoderBlock;

/**
 * The sizes of a text transformer: the {@code text_config} of CLIP and SigLIP checkpoints.
 *
 * @param blocks the sizes of its blocks
 * @param layers the number of blocks
 * @param vocabularySize the number of tokens there are
 * @param contextLength the number of positions there are
 */
public record TextEncoderConfig(
    EncoderBlock.Sizes blocks, int layers, int vocabularySize, int contextLength) {

  private static final int MAX_LAYERS = 1000;
  private static final int MAX_CONTEXT = 1 << 20;
  private static final int MAX_VOCABULARY = 1 << 24;

  // Far beyond any model, and small enough that no product of them leaves 64 bits.
  private static final int MAX_WIDTH = 1 << 20;

  /**
   * Reads the {@code text_config} of a CLIP checkpoint; what is missing has the reference's
   * default.
   *
   * @throws io.github.vlm4j.core.CheckpointException if a field has no usable value, naming it
   */
  public static TextEncoderConfig readClip(ConfigNode text) {
    return new TextEncoderConfig(
        blocks(text, 512, 2048, 8, "quick_gelu", 1e-5),
        boundedInt(text, "num_hidden_layers", 12, MAX_LAYERS),
        boundedInt(text, "vocab_size", 49_408, MAX_VOCABULARY),
        boundedInt(text, "max_position_embeddings", 77, MAX_CONTEXT));
  }

  /**
   * Reads the {@code text_config} of a SigLIP checkpoint; what is missing has the reference's
   * default.
   *
   * @throws io.github.vlm4j.core.CheckpointException if a field has no usable value, naming it
   */
  public static TextEncoderConfig readSiglip(ConfigNode text) {
    return new TextEncoderConfig(
        blocks(text, 768, 3072, 12, "gelu_pytorch_tanh", 1e-6),
        boundedInt(text, "num_hidden_layers", 12, MAX_LAYERS),
        boundedInt(text, "vocab_size", 32_000, MAX_VOCABULARY),
        boundedInt(text, "max_position_embeddings", 64, MAX_CONTEXT));
  }

  private static EncoderBlock.Sizes blocks(
      ConfigNode text,
      int defaultHidden,
      int defaultIntermediate,
      int defaultHeads,
      String defaultActivation,
      double defaultEps) {
    int hidden = boundedInt(text, "hidden_size", defaultHidden, MAX_WIDTH);
    int heads = text.positiveIntOr("num_attention_heads", defaultHeads);
    if (hidden % heads != 0) {
      throw text.invalid("num_attention_heads", "a divisor of hidden_size " + hidden);
    }
    return new EncoderBlock.Sizes(
        hidden,
        boundedInt(text, "intermediate_size", defaultIntermediate, MAX_WIDTH),
        heads,
        Activation.named(
            text.stringOr("hidden_act", defaultActivation), text.where() + ".hidden_act"),
        (float) text.positiveDoubleOr("layer_norm_eps", defaultEps));
  }

  private static int boundedInt(ConfigNode node, String field, int defaultValue, int max) {
    return node.has(field) ? node.intBetween(field, 1, max) : defaultValue;
  }

  /** Returns the length of a hidden state. */
  public int hiddenSize() {
    return blocks.hidden();
  }
}
