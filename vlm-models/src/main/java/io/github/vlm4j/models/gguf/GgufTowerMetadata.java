package io.github.vlm4j.models.gguf;

import io.github.vlm4j.core.ModelException;
import io.github.vlm4j.core.checkpoint.ConfigNode;
import io.github.vlm4j.core.checkpoint.GgufValue;
import io.github.vlm4j.core.graph.Activation;
import io.github.vlm4j.models.clip.PictureTower;
import io.github.vlm4j.models.llava.LlavaConfig;
import io.github.vlm4j.vision.encoder.QwenVisionConfig;
import io.github.vlm4j.vision.encoder.VitConfig;
import io.github.vlm4j.vision.preprocess.ClipImageConfig;
import io.github.vlm4j.vision.preprocess.QwenImageConfig;
import io.github.vlm4j.vision.preprocess.ResampleFilter;
import io.github.vlm4j.vision.preprocess.ResizeRule;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.stream.IntStream;

/**
 * What an {@code mmproj} file says of a vision encoder, from its {@code config.json}. Reference:
 * llama.cpp, {@code conversion/base.py}, {@code conversion/qwenvl.py}, {@code
 * conversion/qwen3vl.py}, and for LLaVA {@code convert_image_encoder_to_gguf.py}, which it had
 * before.
 */
final class GgufTowerMetadata {

  private static final float QWEN_NORM_EPS = 1e-6f;
  private static final double QWEN_THETA = 10_000;
  private static final int QWEN2_IMAGE_SIZE = 560;
  private static final double LEVEL = 1 / 255.0;

  private final ConfigNode vision;
  private final GgufVision.Kind kind;
  private final SequencedMap<String, GgufValue> metadata = new LinkedHashMap<>();

  private GgufTowerMetadata(ConfigNode vision, GgufVision.Kind kind) {
    this.vision = vision;
    this.kind = kind;
    metadata.put("general.architecture", new GgufValue.Text("clip"));
    metadata.put("general.type", new GgufValue.Text("mmproj"));
    metadata.put("clip.has_vision_encoder", new GgufValue.Flag(true));
    metadata.put(GgufVision.PROJECTOR, new GgufValue.Text(kind.projector()));
  }

  /**
   * Returns the vision encoder of a Qwen2-VL, Qwen2.5-VL or Qwen3-VL.
   *
   * @param vision its {@code vision_config}
   * @param folder says how pictures are prepared
   * @throws io.github.vlm4j.core.CheckpointException if a file is missing or malformed
   * @throws ModelException if llama.cpp has no such encoder
   */
  static GgufTower qwen(GgufVision.Kind kind, ConfigNode vision, Path folder) {
    QwenVisionConfig config =
        switch (kind) {
          case QWEN2 -> QwenVisionConfig.readQwen2(vision);
          case QWEN2_5 -> QwenVisionConfig.readQwen25(vision);
          case QWEN3 -> QwenVisionConfig.readQwen3(vision);
          case LLAVA -> throw new IllegalArgumentException("LLaVA has a CLIP");
        };
    return new GgufTowerMetadata(vision, kind).qwen(config, folder);
  }

  private GgufTower qwen(QwenVisionConfig config, Path folder) {
    boolean usual =
        config.patches().channels() == 3
            && config.patches().temporalPatchSize() == GgufVision.FRAMES
            && config.patches().mergeSize() == GgufVision.MERGE
            && config.ropeTheta() == QWEN_THETA;
    if (!usual) {
      throw refused(
          "has other channels, frames, merged patches or rotary frequencies than the published"
              + " models");
    }
    boolean third = kind == GgufVision.Kind.QWEN3;
    // llama.cpp's converter takes the wrong field for Qwen2's MLP, and no reader looks at it.
    int middle = kind == GgufVision.Kind.QWEN2 ? config.outHiddenSize() : config.intermediateSize();
    putSizes(config.hiddenSize(), middle, config.depth(), config.numHeads());
    requireUneven(config.hiddenSize(), config.intermediateSize());
    put("projection_dim", config.outHiddenSize());
    put("patch_size", config.patches().patchSize());
    put(
        "image_size",
        third
            ? config.positionGridSize() * config.patches().patchSize()
            : vision.positiveIntOr("image_size", QWEN2_IMAGE_SIZE));
    put("attention.layer_norm_epsilon", GgufValue.float32(QWEN_NORM_EPS));
    putActivation(config.hiddenAct());
    putPictures(config, QwenImageConfig.load(folder));
    config.windows().ifPresent(windows -> putWindows(config, windows));
    List<Integer> taps = Arrays.stream(config.deepstackVisualIndexes()).boxed().toList();
    if (third) {
      put("spatial_merge_size", config.patches().mergeSize());
      put(
          "is_deepstack_layers",
          new GgufValue.Flags(
              IntStream.range(0, config.depth()).mapToObj(taps::contains).toList()));
    }
    GgufNames names =
        switch (config.design()) {
          case QWEN2 -> GgufNames.qwen2Vision();
          case QWEN2_5 -> GgufNames.qwen25Vision();
          case QWEN3 -> GgufNames.qwen3Vision(taps);
        };
    return new GgufTower(kind, metadata, names, config.depth());
  }

  /** llama.cpp itself knows windows of 112 pixels alone, and no limits but its own. */
  private void putWindows(QwenVisionConfig config, QwenVisionConfig.Windows windows) {
    int[] full = windows.fullAttentionBlocks();
    int every = full.length == 0 ? 0 : full[0] + 1;
    int[] expected =
        IntStream.range(0, config.depth())
            .filter(block -> every > 0 && (block + 1) % every == 0)
            .toArray();
    if (every == 0 || !Arrays.equals(full, expected)) {
      throw vision.invalid(
          "fullatt_block_indexes",
          "the last of every so many blocks, as a GGUF file says nothing else");
    }
    put("n_wa_pattern", every);
    int block = config.patches().blockSize();
    if (windows.side() != GgufVision.WINDOW / block) {
      put("window_size", (long) windows.side() * block);
    }
  }

  private void putPictures(QwenVisionConfig config, QwenImageConfig pictures) {
    boolean usual =
        pictures.doResize()
            && pictures.resample() == ResampleFilter.BICUBIC
            && pictures.doRescale()
            && Math.abs(pictures.rescaleFactor() - LEVEL) < 1e-9
            && pictures.patchSize() == config.patches().patchSize()
            && pictures.temporalPatchSize() == config.patches().temporalPatchSize()
            && pictures.mergeSize() == config.patches().mergeSize();
    if (!usual) {
      throw unusualPictures();
    }
    putColours(pictures.imageMean(), pictures.imageStd());
    put("image_min_pixels", pictures.minPixels());
    put("image_max_pixels", pictures.maxPixels());
  }

  /**
   * Returns the CLIP of a LLaVA.
   *
   * @param vision its {@code vision_config}
   * @param folder says how pictures are prepared
   * @throws io.github.vlm4j.core.CheckpointException if a file is missing or malformed
   * @throws ModelException if llama.cpp has no such encoder
   */
  static GgufTower llava(LlavaConfig config, ConfigNode vision, Path folder) {
    return new GgufTowerMetadata(vision, GgufVision.Kind.LLAVA).llava(config, folder);
  }

  private GgufTower llava(LlavaConfig config, Path folder) {
    if (config.vision().kind() != PictureTower.Kind.CLIP) {
      throw vision.invalid("model_type", "clip_vision_model, the one that is written as GGUF");
    }
    if (!config.features().dropsPrefix()
        || config.features().layers().size() != 1
        || config.projectorActivation() != Activation.GELU
        || !config.projectorBias()) {
      throw refused(
          "keeps the class token, reads several hidden states or has another projector than"
              + " LLaVA 1.5");
    }
    VitConfig sizes = config.vision().sizes();
    int layer = config.features().layers().getFirst();
    int blocks = layer < 0 ? sizes.layers() + 1 + layer : layer;
    if (blocks < 1 || sizes.channels() != 3) {
      throw refused("reads no block of its encoder or no colours");
    }
    putSizes(sizes.hiddenSize(), sizes.blocks().intermediate(), blocks, sizes.blocks().heads());
    requireUneven(sizes.hiddenSize(), sizes.blocks().intermediate());
    put("projection_dim", vision.nonNegativeIntOr("projection_dim", 0));
    put("patch_size", sizes.patchSize());
    put("image_size", sizes.imageSize());
    put("attention.layer_norm_epsilon", GgufValue.float32(sizes.blocks().eps()));
    put("feature_layer", new GgufValue.Wholes(GgufValue.WholeType.INT32, new long[] {blocks}));
    metadata.put("clip.has_llava_projector", new GgufValue.Flag(true));
    metadata.put("clip.use_gelu", new GgufValue.Flag(false));
    putActivation(sizes.blocks().activation());
    putPictures(sizes.imageSize(), ClipImageConfig.read(PictureTower.imageProcessor(folder)));
    return new GgufTower(kind, metadata, GgufNames.llavaVision(true), blocks);
  }

  private void putPictures(int side, ClipImageConfig pictures) {
    boolean usual =
        pictures.doResize()
            && pictures.size().equals(new ResizeRule(ResizeRule.Fit.SHORTEST_EDGE, side, side))
            && pictures.resample() == ResampleFilter.BICUBIC
            && pictures.doCenterCrop()
            && pictures.cropHeight() == side
            && pictures.cropWidth() == side
            && pictures.doRescale()
            && Math.abs(pictures.rescaleFactor() - LEVEL) < 1e-9
            && pictures.doNormalize();
    if (!usual) {
      throw unusualPictures();
    }
    putColours(pictures.imageMean(), pictures.imageStd());
  }

  private void putColours(List<Double> mean, List<Double> deviation) {
    put("image_mean", numbers(mean));
    put("image_std", numbers(deviation));
  }

  private static GgufValue numbers(List<Double> numbers) {
    return new GgufValue.Reals(
        GgufValue.RealType.FLOAT32, numbers.stream().mapToDouble(Double::doubleValue).toArray());
  }

  private void putSizes(int hidden, int intermediate, int blocks, int heads) {
    put("embedding_length", hidden);
    put("feed_forward_length", intermediate);
    put("block_count", blocks);
    put("attention.head_count", heads);
  }

  /** What is taken without a flag is quick GELU, but in Qwen3-VL. */
  private void putActivation(Activation activation) {
    if (activation == Activation.GELU_TANH) {
      metadata.put("clip.use_gelu", new GgufValue.Flag(true));
    } else if (activation == Activation.SILU) {
      metadata.put("clip.use_silu", new GgufValue.Flag(true));
    } else if (activation != Activation.QUICK_GELU || kind == GgufVision.Kind.QWEN3) {
      throw vision.invalid(
          "hidden_act",
          "gelu_pytorch_tanh, silu or, but for Qwen3-VL, quick_gelu, which a GGUF file can say");
    }
  }

  /**
   * The first matrix of these models' MLPs was once called the one down; llama.cpp tells by the
   * shapes which is which.
   */
  private void requireUneven(int hidden, int intermediate) {
    if (kind != GgufVision.Kind.QWEN3 && hidden == intermediate) {
      throw refused("has an MLP as wide in the middle as outside, whose matrices are mistaken");
    }
  }

  private ModelException unusualPictures() {
    return refused("gets pictures that are prepared otherwise than those of the published models");
  }

  private ModelException refused(String what) {
    return new ModelException(
        vision.where()
            + ": a vision encoder that "
            + what
            + " cannot be written as GGUF, as llama.cpp does not know of it.");
  }

  private void put(String name, long value) {
    put(name, GgufValue.uint32(value));
  }

  private void put(String name, GgufValue value) {
    metadata.put(GgufVision.PREFIX + name, value);
  }
}
