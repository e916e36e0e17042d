package io.github.vlm4j.vision.encoder;

import io.github.vlm4j.core.checkpoint.ConfigNode;
import io.github.vlm4j.core.graph.Activation;
import java.util.Arrays;
import java.util.Optional;

/**
 * The {@code vision_config} of a Qwen2-VL, Qwen2.5-VL or Qwen3-VL checkpoint.
 *
 * @param design which norms and MLPs the blocks have
 * @param patches how pixels are cut
 * @param hiddenSize the length of a hidden state
 * @param depth the number of blocks
 * @param numHeads the attention heads of a block
 * @param intermediateSize the middle of a block's MLP
 * @param hiddenAct the non-linearity of a block's MLP
 * @param ropeTheta the base of the rotary frequencies
 * @param positionGridSize the side of the square table of learned positions; 0 if there is none
 * @param windows where attention stays within windows, if it does
 * @param deepstackVisualIndexes the blocks whose outputs also enter the decoder
 * @param outHiddenSize the length of the embeddings that the connectors make
 */
public record QwenVisionConfig(
    QwenVisionDesign design,
    PatchLayout patches,
    int hiddenSize,
    int depth,
    int numHeads,
    int intermediateSize,
    Activation hiddenAct,
    double ropeTheta,
    int positionGridSize,
    Optional<Windows> windows,
    int[] deepstackVisualIndexes,
    int outHiddenSize) {

  private static final int MAX_DEPTH = 1000;
  private static final int MAX_PATCH_SIZE = 1024;

  // Far beyond any model, and small enough that no product of them leaves 64 bits.
  private static final int MAX_WIDTH = 1 << 20;
  private static final int MAX_POSITIONS = 1 << 24;

  /**
   * Windows of attention.
   *
   * @param side the side of a window in merge blocks
   * @param fullAttentionBlocks the blocks whose rows see their whole temporal patch all the same
   */
  public record Windows(int side, int[] fullAttentionBlocks) {

    /** Keeps a copy of the indexes. */
    public Windows {
      fullAttentionBlocks = fullAttentionBlocks.clone();
    }

    @Override
    public int[] fullAttentionBlocks() {
      return fullAttentionBlocks.clone();
    }
  }

  /** Keeps a copy of the indexes. */
  public QwenVisionConfig {
    deepstackVisualIndexes = deepstackVisualIndexes.clone();
  }

  /**
   * Reads the {@code vision_config} of Qwen2-VL, where {@code hidden_size} is the length of an
   * embedding; what is missing has transformers' default.
   *
   * @throws io.github.vlm4j.core.CheckpointException if a field has no usable value, naming it
   */
  public static QwenVisionConfig readQwen2(ConfigNode vision) {
    int hiddenSize = sizeOr(vision, "embed_dim", 1280, MAX_WIDTH);
    double middle = hiddenSize * vision.positiveDoubleOr("mlp_ratio", 4);
    if (!(middle >= 1 && middle <= MAX_WIDTH)) {
      throw vision.invalid(
          "mlp_ratio", "a number that makes 1 to " + MAX_WIDTH + " of embed_dim " + hiddenSize);
    }
    return new QwenVisionConfig(
        QwenVisionDesign.QWEN2,
        patches(vision, 14),
        hiddenSize,
        sizeOr(vision, "depth", 32, MAX_DEPTH),
        heads(vision, "embed_dim", hiddenSize),
        (int) middle,
        activation(vision, "quick_gelu"),
        theta(vision),
        0,
        Optional.empty(),
        new int[0],
        sizeOr(vision, "hidden_size", 3584, MAX_WIDTH));
  }

  /**
   * Reads the {@code vision_config} of Qwen2.5-VL; what is missing has transformers' default.
   *
   * @throws io.github.vlm4j.core.CheckpointException if a field has no usable value, naming it
   */
  public static QwenVisionConfig readQwen25(ConfigNode vision) {
    PatchLayout patches = patches(vision, 14);
    int depth = sizeOr(vision, "depth", 32, MAX_DEPTH);
    int hiddenSize = sizeOr(vision, "hidden_size", 3584, MAX_WIDTH);
    return new QwenVisionConfig(
        QwenVisionDesign.QWEN2_5,
        patches,
        hiddenSize,
        depth,
        heads(vision, "hidden_size", hiddenSize),
        sizeOr(vision, "intermediate_size", 3420, MAX_WIDTH),
        activation(vision, "silu"),
        theta(vision),
        0,
        Optional.of(windows(vision, patches, depth)),
        new int[0],
        sizeOr(vision, "out_hidden_size", 3584, MAX_WIDTH));
  }

  /**
   * Reads the {@code vision_config} of Qwen3-VL; what is missing has transformers' default.
   *
   * @throws io.github.vlm4j.core.CheckpointException if a field has no usable value, naming it
   */
  public static QwenVisionConfig readQwen3(ConfigNode vision) {
    int depth = sizeOr(vision, "depth", 27, MAX_DEPTH);
    int hiddenSize = sizeOr(vision, "hidden_size", 1152, MAX_WIDTH);
    int positions = sizeOr(vision, "num_position_embeddings", 2304, MAX_POSITIONS);
    int grid = (int) Math.sqrt(positions);
    if ((long) grid * grid != positions) {
      throw vision.invalid("num_position_embeddings", "a square number");
    }
    int[] taps = blocks(vision, "deepstack_visual_indexes", depth, 8, 16, 24);
    if (Arrays.stream(taps).distinct().count() != taps.length) {
      throw vision.invalid("deepstack_visual_indexes", "no block twice");
    }
    return new QwenVisionConfig(
        QwenVisionDesign.QWEN3,
        patches(vision, 16),
        hiddenSize,
        depth,
        heads(vision, "hidden_size", hiddenSize),
        sizeOr(vision, "intermediate_size", 4304, MAX_WIDTH),
        activation(vision, "gelu_pytorch_tanh"),
        theta(vision),
        grid,
        Optional.empty(),
        taps,
        sizeOr(vision, "out_hidden_size", 3584, MAX_WIDTH));
  }

  private static PatchLayout patches(ConfigNode vision, int defaultPatchSize) {
    return new PatchLayout(
        sizeOr(vision, "in_channels", 3, 16),
        sizeOr(vision, "patch_size", defaultPatchSize, MAX_PATCH_SIZE),
        sizeOr(vision, "temporal_patch_size", 2, 64),
        sizeOr(vision, "spatial_merge_size", 2, 64));
  }

  private static int heads(ConfigNode vision, String width, int hiddenSize) {
    int numHeads = vision.positiveIntOr("num_heads", 16);
    if (hiddenSize % numHeads != 0 || hiddenSize / numHeads % 4 != 0) {
      throw vision.invalid(
          "num_heads",
          "a divisor of " + width + " " + hiddenSize + " that leaves heads of a multiple of 4");
    }
    return numHeads;
  }

  private static Windows windows(ConfigNode vision, PatchLayout patches, int depth) {
    int pixels = sizeOr(vision, "window_size", 112, MAX_WIDTH);
    if (pixels < patches.blockSize()) {
      throw vision.invalid(
          "window_size", "at least patch_size × spatial_merge_size, " + patches.blockSize());
    }
    return new Windows(
        pixels / patches.blockSize(),
        blocks(vision, "fullatt_block_indexes", depth, 7, 15, 23, 31));
  }

  private static int[] blocks(ConfigNode vision, String field, int depth, int... defaults) {
    int[] blocks = vision.intsOr(field, defaults);
    for (int block : blocks) {
      if (block < 0 || block >= depth) {
        throw vision.invalid(field, "block numbers from 0 to " + (depth - 1));
      }
    }
    return blocks;
  }

  private static Activation activation(ConfigNode vision, String defaultName) {
    return Activation.named(
        vision.stringOr("hidden_act", defaultName), vision.where() + ".hidden_act");
  }

  private static double theta(ConfigNode vision) {
    return vision
        .objectIfPresent("rope_parameters")
        .map(rope -> rope.positiveDoubleOr("rope_theta", 10_000))
        .orElse(10_000.0);
  }

  private static int sizeOr(ConfigNode node, String field, int defaultValue, int max) {
    return node.has(field) ? node.intBetween(field, 1, max) : defaultValue;
  }

  /** Returns the length of one head's query. */
  public int headDim() {
    return hiddenSize / numHeads;
  }

  /** Returns whether the rows of a block see their whole temporal patch. */
  boolean seesWholeFrames(int block) {
    return windows
        .map(window -> Arrays.stream(window.fullAttentionBlocks()).anyMatch(full -> full == block))
        .orElse(true);
  }

  @Override
  public int[] deepstackVisualIndexes() {
    return deepstackVisualIndexes.clone();
  }
}
