package io.github.vlm4j.vision.encoder;

import io.github.vlm4j.core.ModelException;
import io.github.vlm4j.core.checkpoint.ConfigNode;
import io.github.vlm4j.core.graph.Activation;
import io.github.vlm4j.core.model.PatchGrid;
import io.github.vlm4j.core.nn.EncoderBlock;

/**
 * The sizes of a vision transformer: the {@code vision_config} of CLIP and SigLIP checkpoints.
 *
 * @param blocks the sizes of its blocks
 * @param layers the number of blocks
 * @param channels the colour channels
 * @param imageSize the side of the pictures that positions were learned for, in pixels
 * @param patchSize the side of a patch in pixels
 */
public record VitConfig(
    EncoderBlock.Sizes blocks, int layers, int channels, int imageSize, int patchSize) {

  private static final int MAX_LAYERS = 1000;
  private static final int MAX_PATCH_SIZE = 1024;
  private static final int MAX_IMAGE_SIZE = 1 << 14;
  private static final int MAX_PATCHES = 1 << 24;

  // Far beyond any model, and small enough that no product of them leaves 64 bits.
  private static final int MAX_WIDTH = 1 << 20;

  /**
   * Reads the {@code vision_config} of a CLIP checkpoint; what is missing has the reference's
   * default.
   *
   * @throws io.github.vlm4j.core.CheckpointException if a field has no usable value, naming it
   */
  public static VitConfig readClip(ConfigNode vision) {
    int patchSize = boundedInt(vision, "patch_size", 32, MAX_PATCH_SIZE);
    return read(vision, "quick_gelu", 1e-5, imageSize(vision, patchSize), patchSize);
  }

  /**
   * Reads the {@code vision_config} of a SigLIP checkpoint; what is missing has the reference's
   * default.
   *
   * @throws io.github.vlm4j.core.CheckpointException if a field has no usable value, naming it
   */
  public static VitConfig readSiglip(ConfigNode vision) {
    int patchSize = boundedInt(vision, "patch_size", 16, MAX_PATCH_SIZE);
    return read(vision, "gelu_pytorch_tanh", 1e-6, imageSize(vision, patchSize), patchSize);
  }

  /**
   * Reads the {@code vision_config} of a SigLIP 2 checkpoint with variable grids; what is missing
   * has the reference's default.
   *
   * @throws io.github.vlm4j.core.CheckpointException if a field has no usable value, naming it
   */
  public static VitConfig readNaflex(ConfigNode vision) {
    int patches = boundedInt(vision, "num_patches", 256, MAX_PATCHES);
    int side = (int) Math.sqrt(patches);
    if (side * side != patches) {
      throw vision.invalid("num_patches", "a square number");
    }
    int patchSize = boundedInt(vision, "patch_size", 16, MAX_PATCH_SIZE);
    return read(vision, "gelu_pytorch_tanh", 1e-6, side * patchSize, patchSize);
  }

  private static int imageSize(ConfigNode vision, int patchSize) {
    int imageSize = boundedInt(vision, "image_size", 224, MAX_IMAGE_SIZE);
    if (imageSize < patchSize) {
      throw vision.invalid("image_size", "at least the patch_size " + patchSize);
    }
    return imageSize;
  }

  private static VitConfig read(
      ConfigNode vision, String activation, double eps, int imageSize, int patchSize) {
    int hidden = boundedInt(vision, "hidden_size", 768, MAX_WIDTH);
    int heads = vision.positiveIntOr("num_attention_heads", 12);
    if (hidden % heads != 0) {
      throw vision.invalid("num_attention_heads", "a divisor of hidden_size " + hidden);
    }
    EncoderBlock.Sizes blocks =
        new EncoderBlock.Sizes(
            hidden,
            boundedInt(vision, "intermediate_size", 3072, MAX_WIDTH),
            heads,
            Activation.named(
                vision.stringOr("hidden_act", activation), vision.where() + ".hidden_act"),
            (float) vision.positiveDoubleOr("layer_norm_eps", eps));
    return new VitConfig(
        blocks,
        boundedInt(vision, "num_hidden_layers", 12, MAX_LAYERS),
        boundedInt(vision, "num_channels", 3, 16),
        imageSize,
        patchSize);
  }

  private static int boundedInt(ConfigNode node, String field, int defaultValue, int max) {
    return node.has(field) ? node.intBetween(field, 1, max) : defaultValue;
  }

  /** Positions were learned for one grid only. */
  void requireLearned(PatchGrid grid) {
    if (grid.height() != gridSize() || grid.width() != gridSize()) {
      throw new ModelException(
          "This encoder reads "
              + gridSize()
              + "×"
              + gridSize()
              + " patches, not "
              + grid.height()
              + "×"
              + grid.width()
              + ".");
    }
  }

  /** Returns the length of a hidden state. */
  public int hiddenSize() {
    return blocks.hidden();
  }

  /** Returns the numbers of one patch: channels × side × side. */
  public int patchElements() {
    return channels * patchSize * patchSize;
  }

  /** Returns the side, in patches, of the grid that positions were learned for. */
  public int gridSize() {
    return imageSize / patchSize;
  }

  /** Returns the number of patches of the grid that positions were learned for. */
  public int patches() {
    return gridSize() * gridSize();
  }
}
