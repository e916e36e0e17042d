package io.github.vlm4j.models.seemore;

import io.github.vlm4j.core.ModelException;
import io.github.vlm4j.core.graph.Activation;
import io.github.vlm4j.core.nn.EncoderBlock;
import io.github.vlm4j.models.family.TensorShapes;
import io.github.vlm4j.text.decoder.LearnedPositionDecoderConfig;
import io.github.vlm4j.vision.encoder.VitConfig;

/**
 * The sizes of a tutorial model, which has no configuration file: they are those of its tensors.
 *
 * @param vision of the vision encoder
 * @param text of the decoder
 */
record SeemoreConfig(VitConfig vision, LearnedPositionDecoderConfig text) {

  static final String PATCHES = "vision_encoder.patch_embedding.conv.weight";
  static final String POSITIONS = "decoder.position_embedding_table.weight";

  private static final String MIXTURE = "decoder.sparseMoEBlocks.";
  private static final String VISION_POSITIONS = "vision_encoder.pos_embedding";
  private static final String VISION_BLOCKS = "vision_encoder.blocks.";
  private static final String BLOCKS = "decoder.blocks.";
  private static final int COLOURS = 3;
  private static final int MAX_SIDE = 1 << 14;
  private static final float EPS = 1e-5f;

  /**
   * Infers the sizes.
   *
   * @throws ModelException if the tensors are not those of such a model, naming the first that is
   *     amiss
   */
  static SeemoreConfig infer(TensorShapes checkpoint) {
    TensorShapes tensors = checkpoint.as("a seemore model");
    if (tensors.names().stream().anyMatch(name -> name.startsWith(MIXTURE))) {
      throw new ModelException(
          "The tensors "
              + MIXTURE
              + "* are those of seeMoE, whose experts are chosen with random noise; it is not"
              + " supported, only seemore without experts is.");
    }
    return new SeemoreConfig(vision(tensors), text(tensors));
  }

  private static VitConfig vision(TensorShapes tensors) {
    int hidden = tensors.extent(PATCHES, 4, 0);
    int patch = tensors.extent(PATCHES, 4, 3);
    int rows = tensors.extent(VISION_POSITIONS, 3, 1);
    int side = (int) Math.round(Math.sqrt(rows - 1.0));
    if (side < 1 || side * side + 1 != rows) {
      throw new ModelException(
          tensors.describe(VISION_POSITIONS)
              + " has "
              + rows
              + " rows, which are not a square grid of patches and one more for the class token.");
    }
    if ((long) side * patch > MAX_SIDE) {
      throw new ModelException(
          tensors.describe(PATCHES)
              + " and "
              + side
              + " positions along a side mean pictures of "
              + (long) side * patch
              + " pixels along a side, more than the "
              + MAX_SIDE
              + " supported.");
    }
    return new VitConfig(
        new EncoderBlock.Sizes(
            hidden,
            tensors.extent(VISION_BLOCKS + "0.ffn.0.weight", 2, 0),
            heads(tensors, VISION_BLOCKS, hidden),
            Activation.GELU,
            EPS),
        tensors.count(VISION_BLOCKS, 2),
        COLOURS,
        side * patch,
        patch);
  }

  private static LearnedPositionDecoderConfig text(TensorShapes tensors) {
    String tokens = "decoder.token_embedding_table.weight";
    int hidden = tensors.extent(tokens, 2, 1);
    return new LearnedPositionDecoderConfig(
        tensors.extent(tokens, 2, 0),
        hidden,
        tensors.extent(BLOCKS + "0.ffn.0.weight", 2, 0),
        tensors.count(BLOCKS, 2),
        heads(tensors, BLOCKS, hidden),
        Activation.GELU,
        EPS,
        tensors.extent(POSITIONS, 2, 0));
  }

  /** Each head has tensors of its own, so that their names tell how many there are. */
  private static int heads(TensorShapes tensors, String blocks, int hidden) {
    String prefix = blocks + "0.attn.heads.";
    int heads = tensors.count(prefix, prefix.split("\\.", -1).length - 1);
    if (heads == 0 || hidden % heads != 0) {
      throw new ModelException(
          "The tensors "
              + prefix
              + "* are of "
              + heads
              + " heads, into which the hidden size "
              + hidden
              + " cannot be cut.");
    }
    return heads;
  }
}
