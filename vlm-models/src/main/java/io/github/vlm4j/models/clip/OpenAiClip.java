package io.github.vlm4j.models.clip;

import static java.util.Objects.requireNonNull;

import io.github.vlm4j.core.checkpoint.ConfigNode;
import io.github.vlm4j.core.model.PatchGrid;
import io.github.vlm4j.core.model.VisionEncoder;
import io.github.vlm4j.core.weights.WeightScope;
import io.github.vlm4j.models.family.PictureProcessor;
import io.github.vlm4j.text.contrastive.ContrastiveTokenizer;
import io.github.vlm4j.text.encoder.ClipTextEncoder;
import io.github.vlm4j.vision.encoder.ClipVisionEncoder;
import io.github.vlm4j.vision.encoder.ModifiedResNet;
import io.github.vlm4j.vision.encoder.ModifiedResNetConfig;
import io.github.vlm4j.vision.preprocess.ClipImageConfig;
import io.github.vlm4j.vision.preprocess.ClipImageProcessor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;

/**
 * A state dict of OpenAI's CLIP or open_clip: its tensors' names say what it is.
 *
 * @param config the sizes
 */
record OpenAiClip(OpenAiClipConfig config) implements DualEncoderFormat {

  /** What state dicts are taken for, in messages. */
  static final String LAYOUT = "a CLIP in OpenAI's layout";

  static final String OPEN_CLIP_CONFIG = "open_clip_config.json";

  /** The vocabulary's name in OpenAI's and open_clip's packages. */
  private static final String VOCABULARY = "bpe_simple_vocab_16e6.txt.gz";

  private static final Set<String> NOT_WEIGHTS =
      Set.of("input_resolution", "context_length", "vocab_size", "attn_mask");

  @Override
  public String modelType() {
    return config.vit() == null ? "clip (OpenAI, ModifiedResNet)" : "clip (OpenAI, ViT)";
  }

  @Override
  public String reason() {
    return "its tensors are named visual.conv1.weight and text_projection, as OpenAI's CLIP names"
        + " them, or its configuration is open_clip's";
  }

  @Override
  public DualEncoder assemble(WeightScope weights) {
    WeightScope visual = weights.at("visual");
    VisionEncoder vision =
        config.vit() != null
            ? ClipVisionEncoder.openAi(config.vit(), visual, config.embedDim())
            : new ModifiedResNet(resNet(), visual);
    return new DualEncoder(
        vision,
        ClipTextEncoder.openAi(config.text(), weights, config.embedDim()),
        Scoring.SOFTMAX,
        weights.get("logit_scale"),
        null,
        config.embedDim());
  }

  private ModifiedResNetConfig resNet() {
    return requireNonNull(config.resNet());
  }

  @Override
  public boolean mayIgnore(String tensor) {
    return NOT_WEIGHTS.contains(tensor) || tensor.endsWith(".num_batches_tracked");
  }

  @Override
  public PatchGrid grid() {
    int side = config.vit() != null ? config.vit().gridSize() : resNet().gridSize();
    return new PatchGrid(1, side, side);
  }

  private int imageSize() {
    return config.vit() != null ? config.vit().imageSize() : resNet().imageSize();
  }

  @Override
  public PictureProcessor pictures(Path folder) {
    ClipImageProcessor processor = new ClipImageProcessor(imageConfig(folder));
    return config.vit() != null
        ? new FixedPictures(processor, imageSize(), config.vit().patchSize(), true)
        : new FixedPictures(processor, imageSize(), resNet().reduction().factor(), false);
  }

  /** A file that says how pictures are prepared counts; else the standard transform does. */
  private ClipImageConfig imageConfig(Path folder) {
    Path openClip = folder.resolve(OPEN_CLIP_CONFIG);
    if (Files.exists(openClip)) {
      ConfigNode config = ConfigNode.read(openClip);
      if (config.isObject("preprocess_cfg")) {
        return ClipImageConfig.openClip(config.object("preprocess_cfg"), imageSize());
      }
    }
    return Tower.hasImageConfig(folder)
        ? Tower.imageConfig(folder)
        : ClipImageConfig.openAi(imageSize());
  }

  @Override
  public ContrastiveTokenizer tokenizer(Path folder) {
    int context = config.text().contextLength();
    boolean huggingFace =
        Files.exists(folder.resolve("tokenizer.json")) && !Files.exists(folder.resolve(VOCABULARY));
    return huggingFace
        ? ContrastiveTokenizer.load(folder, context)
        : ContrastiveTokenizer.openAi(folder, context);
  }
}
