package io.github.vlm4j.core.quant;

import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import java.util.Collection;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Which tensors of a checkpoint are quantised, and to what.
 *
 * <p>The rules for language models are those of llama.cpp's {@code llama-quant.cpp} ({@code
 * tensor_allows_quantization}, {@code llama_tensor_get_type_impl}, {@code tensor_type_fallback}):
 * matrices but not norms, biases, routers and position tables. Q4_K_M takes Q6_K for the values of
 * attention and for the outputs of feed-forward layers in the first and the last eighth of the
 * layers and in every third between. What computes the logits, which is the table of embeddings if
 * the two are one, is Q6_K under Q4_0 and Q4_K_M. Rows that are no whole number of blocks of 256
 * fall back to Q8_0, and to what they were if they are none of 32 either. Where llama.cpp has Q5_K
 * or Q5_0, which are not supported here, the next larger type stands in: Q6_K or Q8_0.
 *
 * <p>Vision encoders and connectors stay as they are unless asked for, as llama.cpp's {@code
 * mmproj} files do, and so do stacked experts.
 */
public final class QuantisationPlan {

  private static final Pattern VISION =
      Pattern.compile(
          "(^|\\.)(vis[a-z_]*|v|mm|connector|[a-z_]*projector|vision_proj|image_[a-z_]*"
              + "|clip[a-z_]*|patch_embed[a-z_]*|merger)(\\.|$)");
  private static final Pattern NEVER =
      Pattern.compile(
          "norm|ln_|(^|[._])pos(ition)?[._]|position|patch_emb|token_type"
              + "|mlp\\.gate\\.weight$|block_sparse_moe\\.gate\\.|shared_expert_gate|router"
              + "|ffn_gate_inp|lora_");
  private static final Pattern LAYER =
      Pattern.compile("\\.(?:layers|h|blocks|blk)\\.(\\d{1,6})\\.");
  private static final Pattern VALUES = Pattern.compile("\\.(v_proj|wv|attn_v)\\.weight$");
  private static final Pattern FUSED =
      Pattern.compile("\\.(c_attn|qkv_proj|attn_qkv|qkv)\\.weight$");
  private static final Pattern DOWN =
      Pattern.compile("\\.(down_proj|mlp\\.c_proj|feed_forward\\.w2|ffn_down)\\.weight$");
  private static final Pattern HEAD = Pattern.compile("(^|\\.)lm_head\\.weight$|^output\\.weight$");
  private static final Pattern TABLE =
      Pattern.compile(
          "(^|\\.)(embed_tokens|tok_embeddings|wte|token_embd|word_embeddings)\\.weight$");

  private final QuantisationScheme scheme;
  private final boolean withVision;
  private final int layers;
  private final boolean tied;

  private QuantisationPlan(
      QuantisationScheme scheme, boolean withVision, int layers, boolean tied) {
    this.scheme = scheme;
    this.withVision = withVision;
    this.layers = layers;
    this.tied = tied;
  }

  /**
   * Returns the plan for a checkpoint.
   *
   * @param names all its tensors
   * @param withVision whether vision encoders and connectors are quantised, too
   */
  public static QuantisationPlan of(
      QuantisationScheme scheme, Collection<String> names, boolean withVision) {
    int layers = 0;
    for (String name : names) {
      if (!isVision(name)) {
        layers = Math.max(layers, layer(name) + 1);
      }
    }
    boolean tied = names.stream().noneMatch(name -> HEAD.matcher(name).find());
    return new QuantisationPlan(scheme, withVision, layers, tied);
  }

  /**
   * Returns the type that a tensor is to be stored in; its own if it is not to be quantised.
   *
   * @param stored its own
   */
  public DType typeOf(String name, DType stored, Shape shape) {
    boolean quantisable =
        stored.isFloat()
            && shape.rank() == 2
            && name.endsWith("weight")
            && !NEVER.matcher(name.toLowerCase(Locale.ROOT)).find()
            && (withVision || !isVision(name));
    return quantisable ? fitting(wanted(name, shape), stored, shape) : stored;
  }

  private DType wanted(String name, Shape shape) {
    boolean mixed = scheme == QuantisationScheme.Q4_K_M;
    boolean logits = HEAD.matcher(name).find() || (tied && TABLE.matcher(name).find());
    if (isVision(name)) {
      return scheme.base();
    }
    if (logits && (mixed || scheme == QuantisationScheme.Q4_0)) {
      // llama.cpp looks at the blocks of the type that it would have taken otherwise.
      return shape.last() % scheme.base().blockElements() == 0 ? DType.Q6_K : DType.Q8_0;
    }
    if (mixed && FUSED.matcher(name).find()) {
      return DType.Q6_K;
    }
    boolean matters = VALUES.matcher(name).find() || DOWN.matcher(name).find();
    return mixed && matters && usesMoreBits(layer(name)) ? DType.Q6_K : scheme.base();
  }

  private boolean usesMoreBits(int layer) {
    int eighth = layers / 8;
    return layer < eighth || layer >= 7 * layers / 8 || (layer - eighth) % 3 == 2;
  }

  private static DType fitting(DType wanted, DType stored, Shape shape) {
    if (shape.last() % wanted.blockElements() == 0) {
      return wanted;
    }
    return shape.last() % DType.Q8_0.blockElements() == 0 ? DType.Q8_0 : stored;
  }

  private static boolean isVision(String name) {
    return VISION.matcher(name).find();
  }

  /** Returns the number of the layer that a tensor belongs to, or -1. */
  private static int layer(String name) {
    Matcher matcher = LAYER.matcher("." + name);
    return matcher.find() ? Integer.parseInt(matcher.group(1)) : -1;
  }
}
