package io.github.vlm4j.text.decoder;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a checkpoint calls a decoder's parts, below the place where the decoder begins.
 *
 * @param embedding the table of token embeddings
 * @param layers the list of layers
 * @param norm the last norm
 * @param attentionNorm a layer's norm before the attention
 * @param attention a layer's attention
 * @param mlpNorm a layer's norm before the MLP
 * @param mlp a layer's MLP
 * @param experts what a layer with experts has in the place of its MLP
 */
public record DecoderNames(
    String embedding,
    String layers,
    String norm,
    String attentionNorm,
    Attention attention,
    String mlpNorm,
    Mlp mlp,
    Experts experts) {

  /**
   * The parts of an attention.
   *
   * @param scope the attention
   * @param query its projection of queries
   * @param key its projection of keys
   * @param value its projection of values
   * @param fused the projection of queries, keys and values in one tensor, in this order; null
   *     where there are three
   * @param output the last projection
   */
  public record Attention(
      String scope,
      String query,
      String key,
      String value,
      @Nullable String fused,
      String output) {}

  /**
   * The parts of a gated MLP, {@code down(activation(gate(x)) · up(x))}.
   *
   * @param scope the MLP
   * @param gate what goes through the activation
   * @param up what is multiplied with it
   * @param down the last projection
   */
  public record Mlp(String scope, String gate, String up, String down) {}

  /**
   * The parts of a mixture of experts, in the place of the MLP; each expert's projections are
   * called as those of an MLP.
   *
   * @param router the projection that chooses
   * @param experts the experts
   * @param stacked whether they are {@code gate_up_proj} and {@code down_proj} of all of them in
   *     two tensors; otherwise they are a list
   * @param shared the experts that every row uses
   * @param sharedGate the projection that says how much of them; null for all
   */
  public record Experts(
      String router,
      String experts,
      boolean stacked,
      List<String> shared,
      @Nullable String sharedGate) {

    /** Keeps an immutable copy. */
    public Experts {
      shared = List.copyOf(shared);
    }

    /** A list of experts. */
    public Experts(
        String router, String experts, List<String> shared, @Nullable String sharedGate) {
      this(router, experts, false, shared, sharedGate);
    }
  }

  private static final Experts EXPERTS = new Experts("gate", "experts", List.of(), null);

  /** Returns the same names with others in layers with experts. */
  public DecoderNames with(Experts others) {
    return new DecoderNames(
        embedding, layers, norm, attentionNorm, attention, mlpNorm, mlp, others);
  }

  /** Hugging Face's names: Llama, Mistral, Qwen2, Qwen3 and most others. */
  public static final DecoderNames HUGGING_FACE =
      new DecoderNames(
          "embed_tokens",
          "layers",
          "norm",
          "input_layernorm",
          new Attention("self_attn", "q_proj", "k_proj", "v_proj", null, "o_proj"),
          "post_attention_layernorm",
          new Mlp("mlp", "gate_proj", "up_proj", "down_proj"),
          EXPERTS);

  /** Meta's own names of Llama, which early MiniMind checkpoints have, too. */
  public static final DecoderNames META =
      new DecoderNames(
          "tok_embeddings",
          "layers",
          "norm",
          "attention_norm",
          new Attention("attention", "wq", "wk", "wv", null, "wo"),
          "ffn_norm",
          new Mlp("feed_forward", "w1", "w3", "w2"),
          EXPERTS);

  /** The names of Qwen's first generation. */
  public static final DecoderNames QWEN =
      new DecoderNames(
          "wte",
          "h",
          "ln_f",
          "ln_1",
          new Attention("attn", "q", "k", "v", "c_attn", "c_proj"),
          "ln_2",
          new Mlp("mlp", "w2", "w1", "c_proj"),
          EXPERTS);
}
