package io.github.vlm4j.models.clip;

import io.github.vlm4j.core.ModelException;
import io.github.vlm4j.core.checkpoint.ConfigNode;
import io.github.vlm4j.core.graph.Activation;
import io.github.vlm4j.core.nn.EncoderBlock;
import io.github.vlm4j.models.family.TensorShapes;
import io.github.vlm4j.text.encoder.TextEncoderConfig;
import io.github.vlm4j.vision.encoder.ModifiedResNetConfig;
import io.github.vlm4j.vision.encoder.ModifiedResNetConfig.Reduction;
import io.github.vlm4j.vision.encoder.VitConfig;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The sizes of a CLIP in OpenAI's layout. One of {@code vit} and {@code resNet} is null.
 *
 * @param vit of a vision transformer
 * @param resNet of a convolutional encoder
 * @param text of the text transformer
 * @param embedDim the dimension of the space that pictures and texts share
 */
record OpenAiClipConfig(
    @Nullable VitConfig vit,
    @Nullable ModifiedResNetConfig resNet,
    TextEncoderConfig text,
    int embedDim) {

  private static final int HEAD_WIDTH = 64;
  private static final int CHANNELS = 3;
  private static final float EPS = 1e-5f;
  private static final int MAX_WIDTH = 1 << 20;
  private static final int MAX_LAYERS = 1000;
  private static final int MAX_SIDE = 1 << 14;

  private static final Set<String> VISION_FIELDS =
      Set.of("layers", "width", "head_width", "mlp_ratio", "patch_size", "image_size");
  private static final Set<String> TEXT_FIELDS =
      Set.of("context_length", "vocab_size", "width", "heads", "layers", "mlp_ratio");

  /**
   * Infers the sizes from the tensors alone, as the original {@code build_model} does: heads are 64
   * wide, and the activation is QuickGELU.
   *
   * @throws ModelException if the tensors are not a CLIP's, naming the first that is amiss
   */
  static OpenAiClipConfig infer(TensorShapes tensors) {
    int embedDim = tensors.extent("text_projection", 2, 1);
    int context = tensors.extent("positional_embedding", 2, 0);
    int vocabulary = tensors.extent("token_embedding.weight", 2, 0);
    int width = tensors.extent("ln_final.weight", 1, 0);
    TextEncoderConfig text =
        new TextEncoderConfig(
            blocks(width, 4.0, heads(width, HEAD_WIDTH, "ln_final.weight"), Activation.QUICK_GELU),
            tensors.count("transformer.resblocks.", 2),
            vocabulary,
            context);
    if (!tensors.contains("visual.proj")) {
      return new OpenAiClipConfig(null, resNet(tensors, embedDim), text, embedDim);
    }
    int visionWidth = tensors.extent("visual.conv1.weight", 4, 0);
    int heads = heads(visionWidth, HEAD_WIDTH, "visual.conv1.weight");
    int patch = tensors.extent("visual.conv1.weight", 4, 3);
    VitConfig vit =
        new VitConfig(
            blocks(visionWidth, 4.0, heads, Activation.QUICK_GELU),
            tensors.count("visual.transformer.resblocks.", 3),
            CHANNELS,
            patch * grid(tensors, "visual.positional_embedding"),
            patch);
    return new OpenAiClipConfig(vit, null, text, embedDim);
  }

  private static ModifiedResNetConfig resNet(TensorShapes tensors, int embedDim) {
    List<Integer> layers = new ArrayList<>();
    for (int stage = 1; stage <= ModifiedResNetConfig.STAGES; stage++) {
      layers.add(tensors.count("visual.layer" + stage + ".", 2));
    }
    int width = tensors.extent("visual.layer1.0.conv1.weight", 4, 0);
    return new ModifiedResNetConfig(
        layers,
        width,
        heads(32 * width, HEAD_WIDTH, "visual.layer1.0.conv1.weight"),
        grid(tensors, "visual.attnpool.positional_embedding"),
        embedDim,
        Reduction.ANTI_ALIASED);
  }

  private static int grid(TensorShapes tensors, String positions) {
    int rows = tensors.extent(positions, 2, 0);
    int side = (int) Math.round(Math.sqrt(rows - 1.0));
    if (side < 1 || side * side + 1 != rows) {
      throw new ModelException(
          tensors.describe(positions)
              + " has "
              + rows
              + " rows, which are not a square grid of patches and one more.");
    }
    return side;
  }

  private static int heads(int width, int headWidth, String tensor) {
    if (width < headWidth || width % headWidth != 0) {
      throw new ModelException(
          tensor
              + ": a width of "
              + width
              + " cannot be cut into attention heads of "
              + headWidth
              + ", as models in OpenAI's layout have them.");
    }
    return width / headWidth;
  }

  private static EncoderBlock.Sizes blocks(
      int width, double mlpRatio, int heads, Activation activation) {
    return new EncoderBlock.Sizes(width, (int) (width * mlpRatio), heads, activation, EPS);
  }

  /**
   * Reads a configuration of open_clip, such as {@code open_clip_config.json}.
   *
   * @throws io.github.vlm4j.core.VlmException if a field has no usable value or asks for what is
   *     not supported, naming it
   */
  static OpenAiClipConfig read(ConfigNode file) {
    ConfigNode config = file.objectIfPresent("model_cfg").orElse(file);
    ConfigNode vision = config.object("vision_cfg");
    ConfigNode text = config.object("text_cfg");
    requireKnown(vision, VISION_FIELDS);
    requireKnown(text, TEXT_FIELDS);
    Activation activation =
        config.booleanOr("quick_gelu", false) ? Activation.QUICK_GELU : Activation.GELU;
    int embedDim = config.intBetween("embed_dim", 1, MAX_WIDTH);
    int textWidth = text.has("width") ? text.intBetween("width", 1, MAX_WIDTH) : 512;
    int textHeads = text.positiveIntOr("heads", 8);
    if (textWidth % textHeads != 0) {
      throw text.invalid("heads", "a divisor of the width " + textWidth);
    }
    TextEncoderConfig textConfig =
        new TextEncoderConfig(
            blocks(textWidth, ratio(text), textHeads, activation),
            text.has("layers") ? text.intBetween("layers", 1, MAX_LAYERS) : 12,
            text.has("vocab_size") ? text.intBetween("vocab_size", 1, 1 << 24) : 49_408,
            text.has("context_length") ? text.intBetween("context_length", 1, MAX_WIDTH) : 77);
    int width = vision.has("width") ? vision.intBetween("width", 1, MAX_WIDTH) : 768;
    int headWidth = vision.positiveIntOr("head_width", HEAD_WIDTH);
    int imageSize = vision.has("image_size") ? vision.intBetween("image_size", 1, MAX_SIDE) : 224;
    if (vision.isList("layers")) {
      return new OpenAiClipConfig(
          null, readResNet(vision, width, headWidth, imageSize, embedDim), textConfig, embedDim);
    }
    if (width % headWidth != 0) {
      throw vision.invalid("head_width", "a divisor of the width " + width);
    }
    int patch = vision.has("patch_size") ? vision.intBetween("patch_size", 1, imageSize) : 16;
    VitConfig vit =
        new VitConfig(
            blocks(width, ratio(vision), width / headWidth, activation),
            vision.has("layers") ? vision.intBetween("layers", 1, MAX_LAYERS) : 12,
            CHANNELS,
            imageSize,
            patch);
    return new OpenAiClipConfig(vit, null, textConfig, embedDim);
  }

  private static ModifiedResNetConfig readResNet(
      ConfigNode vision, int width, int headWidth, int imageSize, int embedDim) {
    int[] layers = vision.ints("layers");
    boolean fit = layers.length == ModifiedResNetConfig.STAGES;
    List<Integer> stages = new ArrayList<>();
    for (int blocks : layers) {
      fit &= blocks >= 1 && blocks <= MAX_LAYERS;
      stages.add(blocks);
    }
    if (!fit) {
      throw vision.invalid("layers", "the blocks of each of the four stages");
    }
    int factor = Reduction.ANTI_ALIASED.factor();
    if (imageSize % factor != 0) {
      throw vision.invalid("image_size", "a multiple of " + factor);
    }
    if (width % 2 != 0 || 32 * width % headWidth != 0) {
      throw vision.invalid("width", "even, and 32 times it a multiple of the head_width");
    }
    return new ModifiedResNetConfig(
        stages,
        width,
        32 * width / headWidth,
        imageSize / factor,
        embedDim,
        Reduction.ANTI_ALIASED);
  }

  private static double ratio(ConfigNode node) {
    double ratio = node.positiveDoubleOr("mlp_ratio", 4);
    if (ratio > 64) {
      throw node.invalid("mlp_ratio", "at most 64");
    }
    return ratio;
  }

  /** What is not known here changes the architecture, unless it is switched off. */
  private static void requireKnown(ConfigNode node, Set<String> known) {
    for (String field : node.fields()) {
      if (!known.contains(field) && node.has(field) && !node.isOff(field)) {
        throw new ModelException(
            node.where()
                + "."
                + field
                + " is not supported; supported are the plain CLIP architectures with "
                + String.join(", ", known.stream().sorted().toList())
                + ".");
      }
    }
  }
}
