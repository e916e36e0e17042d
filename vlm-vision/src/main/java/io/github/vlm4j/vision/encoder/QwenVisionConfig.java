package io.github.vlm4j.vision.encoder;

import io.github.vlm4j.core.checkpoint.ConfigNode;
import io.github.vlm4j.core.graph.Activation;
import java.util.Arrays;

/**
 * The {@code vision_config} of a Qwen3-VL checkpoint.
 *
 * @param hiddenSize the length of a hidden state
 * @param depth the number of blocks
 * @param numHeads the attention heads of a block
 * @param intermediateSize the middle of a block's MLP
 * @param hiddenAct the non-linearity of a block's MLP
 * @param inChannels the colour channels
 * @param patchSize the side of a patch in pixels
 * @param temporalPatchSize the frames of a patch
 * @param spatialMergeSize the side, in patches, of what the connector merges into one embedding
 * @param positionGridSize the side of the square table of learned positions
 * @param outHiddenSize the length of the embeddings that the connectors make
 * @param deepstackVisualIndexes the blocks whose outputs also enter the decoder
 * @param ropeTheta the base of the rotary frequencies
 */
public record QwenVisionConfig(
    int hiddenSize,
    int depth,
    int numHeads,
    int intermediateSize,
    Activation hiddenAct,
    int inChannels,
    int patchSize,
    int temporalPatchSize,
    int spatialMergeSize,
    int positionGridSize,
    int outHiddenSize,
    int[] deepstackVisualIndexes,
    double ropeTheta) {

  private static final int MAX_DEPTH = 1000;
  private static final int MAX_PATCH_SIZE = 1024;

  // Far beyond any model, and small enough that no product of them leaves 64 bits.
  private static final int MAX_WIDTH = 1 << 20;
  private static final int MAX_POSITIONS = 1 << 24;

  /** Keeps a copy of the indexes. */
  public QwenVisionConfig {
    deepstackVisualIndexes = deepstackVisualIndexes.clone();
  }

  /**
   * Reads {@code vision_config}; what is missing has transformers' default.
   *
   * @throws io.github.vlm4j.core.CheckpointException if a field has no usable value, naming it
   */
  public static QwenVisionConfig read(ConfigNode vision) {
    int hiddenSize = boundedInt(vision, "hidden_size", 1152, MAX_WIDTH);
    int numHeads = vision.positiveIntOr("num_heads", 16);
    if (hiddenSize % numHeads != 0 || hiddenSize / numHeads % 4 != 0) {
      throw vision.invalid(
          "num_heads",
          "a divisor of hidden_size " + hiddenSize + " that leaves heads of a multiple of 4");
    }
    int depth = boundedInt(vision, "depth", 27, MAX_DEPTH);
    int positions = boundedInt(vision, "num_position_embeddings", 2304, MAX_POSITIONS);
    int grid = (int) Math.sqrt(positions);
    if ((long) grid * grid != positions) {
      throw vision.invalid("num_position_embeddings", "a square number");
    }
    int[] taps = vision.intsOr("deepstack_visual_indexes", 8, 16, 24);
    for (int tap : taps) {
      if (tap < 0 || tap >= depth) {
        throw vision.invalid("deepstack_visual_indexes", "block numbers from 0 to " + (depth - 1));
      }
    }
    if (Arrays.stream(taps).distinct().count() != taps.length) {
      throw vision.invalid("deepstack_visual_indexes", "no block twice");
    }
    double theta =
        vision
            .objectIfPresent("rope_parameters")
            .map(rope -> rope.positiveDoubleOr("rope_theta", 10_000))
            .orElse(10_000.0);
    return new QwenVisionConfig(
        hiddenSize,
        depth,
        numHeads,
        boundedInt(vision, "intermediate_size", 4304, MAX_WIDTH),
        Activation.named(
            vision.stringOr("hidden_act", "gelu_pytorch_tanh"), vision.where() + ".hidden_act"),
        boundedInt(vision, "in_channels", 3, 16),
        boundedInt(vision, "patch_size", 16, MAX_PATCH_SIZE),
        boundedInt(vision, "temporal_patch_size", 2, 64),
        boundedInt(vision, "spatial_merge_size", 2, 64),
        grid,
        boundedInt(vision, "out_hidden_size", 3584, MAX_WIDTH),
        taps,
        theta);
  }

  private static int boundedInt(ConfigNode node, String field, int defaultValue, int max) {
    return node.has(field) ? node.intBetween(field, 1, max) : defaultValue;
  }

  /** Returns the length of one head's query. */
  public int headDim() {
    return hiddenSize / numHeads;
  }

  /** Returns the numbers of one patch: channels × frames × side × side. */
  public int patchElements() {
    return inChannels * temporalPatchSize * patchSize * patchSize;
  }

  @Override
  public int[] deepstackVisualIndexes() {
    return deepstackVisualIndexes.clone();
  }
}
