package io.github.vlm4j.text.decoder;

import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.checkpoint.ConfigNode;
import io.github.vlm4j.core.model.TokenPositions;
import io.github.vlm4j.core.tensor.Tensor;
import java.util.Optional;

/**
 * Rotary embedding of text (RoFormer, Su et al., 2021), stretched for long texts as the
 * configuration says. Of a token's three positions it uses the one in time. Reference:
 * transformers, {@code modeling_rope_utils.py} and {@code models/llama/modeling_llama.py}.
 */
public final class TextRotary implements RotaryEmbedding {

  private static final double DEFAULT_THETA = 10_000;

  private final float[] frequencies;
  private final float attentionFactor;

  private TextRotary(float[] frequencies, float attentionFactor) {
    this.frequencies = frequencies;
    this.attentionFactor = attentionFactor;
  }

  /**
   * Returns an embedding that is not stretched.
   *
   * @param headDim the length of a head, an even number
   * @param theta the base of the frequencies
   */
  public static TextRotary of(int headDim, double theta) {
    RopeScaling none = new RopeScaling.None();
    return new TextRotary(none.frequencies(powers(theta, headDim)), none.attentionFactor());
  }

  /**
   * Reads the rotary settings of a decoder: {@code rope_theta} beside {@code rope_scaling}, as
   * transformers 4 writes them, or both in {@code rope_parameters}, as transformers 5 does. The
   * kinds {@code default}, {@code linear}, {@code llama3} and {@code yarn} are known.
   *
   * @param textConfig the decoder's configuration
   * @param headDim the length of a head, an even number
   * @return the embedding
   * @throws CheckpointException if a setting is missing, malformed or of an unsupported kind
   */
  public static TextRotary read(ConfigNode textConfig, int headDim) {
    Optional<ConfigNode> settings = settings(textConfig);
    ConfigNode rope = settings.orElse(textConfig);
    ConfigNode thetaNode = rope.has("rope_theta") ? rope : textConfig;
    double theta = thetaNode.positiveDoubleOr("rope_theta", DEFAULT_THETA);
    requireOneForAllLayers(rope);
    requireWholeHead(rope, textConfig);
    RopeScaling scaling =
        settings
            .map(node -> RopeScaling.read(node, textConfig, theta, headDim))
            .orElseGet(RopeScaling.None::new);
    float[] frequencies = scaling.frequencies(powers(theta, headDim));
    for (float frequency : frequencies) {
      if (!Float.isFinite(frequency) || Float.isInfinite((float) theta)) {
        throw thetaNode.invalid(
            "rope_theta", "such that, with the rotary settings beside it, all angles are finite");
      }
    }
    return new TextRotary(frequencies, scaling.attentionFactor());
  }

  /**
   * Returns the most positions that a decoder can use: {@code max_position_embeddings}, or as many
   * as its settings stretch the original length to, as some configurations leave the former alone.
   *
   * @param defaultLength what {@code max_position_embeddings} is if it is not said
   */
  static int contextLength(ConfigNode textConfig, int defaultLength) {
    int length = textConfig.positiveIntOr("max_position_embeddings", defaultLength);
    double stretched =
        settings(textConfig)
            .map(rope -> RopeScaling.stretchedLength(rope, textConfig, length))
            .orElse((double) length);
    return (int) Math.max(length, Math.min(stretched, Integer.MAX_VALUE));
  }

  private static Optional<ConfigNode> settings(ConfigNode textConfig) {
    return textConfig
        .objectIfPresent("rope_scaling")
        .filter(node -> !node.fields().isEmpty())
        .or(() -> textConfig.objectIfPresent("rope_parameters"));
  }

  private static void requireOneForAllLayers(ConfigNode rope) {
    for (String field : new String[] {"full_attention", "sliding_attention"}) {
      if (rope.isObject(field)) {
        throw rope.invalid(
            field, "absent: rotary settings for each kind of layer are not supported");
      }
    }
  }

  private static void requireWholeHead(ConfigNode rope, ConfigNode textConfig) {
    String field = "partial_rotary_factor";
    ConfigNode node = rope.has(field) ? rope : textConfig;
    if (node.doubleOr(field, 1) != 1) {
      throw node.invalid(field, "1: heads that turn in part are not supported");
    }
  }

  /** θ^(2j/d), each rounded to single precision wherever the reference rounds. */
  private static float[] powers(double theta, int headDim) {
    float[] powers = new float[headDim / 2];
    for (int j = 0; j < powers.length; j++) {
      powers[j] = (float) Math.pow((float) theta, 2f * j / headDim);
    }
    return powers;
  }

  @Override
  public int angles() {
    return frequencies.length;
  }

  @Override
  public void fill(TokenPositions positions, int first, int count, Tensor cos, Tensor sin) {
    for (int i = 0; i < count; i++) {
      int position = positions.time(first + i);
      for (int j = 0; j < frequencies.length; j++) {
        float angle = position * frequencies[j];
        long at = (long) i * frequencies.length + j;
        cos.setFloat(at, (float) Math.cos(angle) * attentionFactor);
        sin.setFloat(at, (float) Math.sin(angle) * attentionFactor);
      }
    }
  }

  /** Returns the angle by which each pair turns from one position to the next. */
  public float[] frequencies() {
    return frequencies.clone();
  }

  /** Returns what the tables of cosines and sines are multiplied by. */
  public float attentionFactor() {
    return attentionFactor;
  }
}
