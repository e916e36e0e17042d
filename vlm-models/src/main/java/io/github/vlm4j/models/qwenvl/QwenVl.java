package io.github.vlm4j.models.qwenvl;

import io.github.vlm4j.connector.PatchMerger;
import io.github.vlm4j.connector.PatchMerger.NormPlace;
import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.model.PatchGrid;
import io.github.vlm4j.core.model.VisionFeatures;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.weights.WeightScope;
import io.github.vlm4j.models.family.ModelArchitecture;
import io.github.vlm4j.models.family.VisualEmbeddings;
import io.github.vlm4j.models.family.VisualPath;
import io.github.vlm4j.text.decoder.DecoderNames;
import io.github.vlm4j.text.decoder.GqaDecoder;
import io.github.vlm4j.vision.encoder.QwenVisionConfig;
import io.github.vlm4j.vision.encoder.QwenVisionDesign;
import io.github.vlm4j.vision.encoder.QwenVisionEncoder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Qwen2-VL, Qwen2.5-VL and Qwen3-VL: the vision tower's last hidden state passes the merger and
 * takes the placeholders' rows. In Qwen3-VL the hidden states at the DeepStack indexes pass mergers
 * of their own and are added to those rows after the first decoder layers (DeepStack, Meng et al.,
 * 2024). Reference: transformers, {@code models/qwen2_vl/modeling_qwen2_vl.py}, {@code
 * models/qwen2_5_vl/modeling_qwen2_5_vl.py}, {@code models/qwen3_vl/modeling_qwen3_vl.py}.
 */
final class QwenVl implements VisualPath {

  private static final DecoderNames NAMES =
      DecoderNames.HUGGING_FACE.with(
          new DecoderNames.Experts("gate", "experts", true, List.of(), null));

  private final QwenVisionConfig visionConfig;
  private final QwenVisionEncoder vision;
  private final PatchMerger merger;
  private final List<PatchMerger> deepstackMergers = new ArrayList<>();

  /** Puts a model together. */
  static ModelArchitecture assemble(QwenVlConfig config, WeightScope weights) {
    boolean third = config.vision().design() == QwenVisionDesign.QWEN3;
    // Published checkpoints of the first two generations have the decoder where a text model has
    // it; what is saved from a bare model, without its head, lacks the first part of the names.
    WeightScope visual =
        place(
            weights,
            "patch_embed.proj.weight",
            third ? List.of("model.visual", "visual") : List.of("visual", "model.visual"));
    WeightScope text =
        place(
            weights,
            "embed_tokens.weight",
            third
                ? List.of("model.language_model", "language_model")
                : List.of("model", "model.language_model", "language_model"));
    var decoder =
        new GqaDecoder(config.text(), config.rotary(), NAMES, text, weights.at("lm_head"));
    return ModelArchitecture.of(decoder, new QwenVl(config.vision(), visual));
  }

  /** Returns the first of some places that has a tensor, or else the first. */
  private static WeightScope place(WeightScope weights, String tensor, List<String> places) {
    return places.stream()
        .map(weights::at)
        .filter(place -> place.has(tensor))
        .findFirst()
        .orElseGet(() -> weights.at(places.getFirst()));
  }

  private QwenVl(QwenVisionConfig config, WeightScope visual) {
    visionConfig = config;
    vision = new QwenVisionEncoder(visionConfig, visual);
    merger = merger(config, visual.at("merger"));
    for (int i = 0; i < visionConfig.deepstackVisualIndexes().length; i++) {
      WeightScope scope = visual.at("deepstack_merger_list." + i);
      deepstackMergers.add(qwen3Merger(config, NormPlace.AFTER_SHUFFLE, scope));
    }
  }

  private static PatchMerger merger(QwenVisionConfig config, WeightScope scope) {
    return switch (config.design()) {
      case QWEN2, QWEN2_5 ->
          PatchMerger.qwen2(
              config.hiddenSize(),
              config.patches().mergeSize(),
              config.outHiddenSize(),
              config.design().norm(scope.at("ln_q"), config.hiddenSize()),
              scope);
      case QWEN3 -> qwen3Merger(config, NormPlace.BEFORE_SHUFFLE, scope);
    };
  }

  private static PatchMerger qwen3Merger(
      QwenVisionConfig config, NormPlace normPlace, WeightScope scope) {
    return PatchMerger.qwen3(
        config.hiddenSize(),
        config.patches().mergeSize(),
        config.outHiddenSize(),
        normPlace,
        scope);
  }

  @Override
  public int deepstackLevels() {
    return deepstackMergers.size();
  }

  @Override
  public int visualTokens(PatchGrid grid) {
    return grid.patches() / merger.reduction();
  }

  @Override
  public Shape pixelShape(PatchGrid grid) {
    return vision.pixelShape(grid);
  }

  @Override
  public PatchGrid gridFor(int imageHeight, int imageWidth) {
    int block = visionConfig.patches().blockSize();
    int merge = visionConfig.patches().mergeSize();
    return new PatchGrid(
        1,
        Math.max(1, Math.round(imageHeight / (float) block)) * merge,
        Math.max(1, Math.round(imageWidth / (float) block)) * merge);
  }

  @Override
  public VisualEmbeddings embedVisual(GraphBuilder g, Value pixels, PatchGrid grid) {
    GraphBuilder v = g.at("visual");
    VisionFeatures features = vision.encode(v, pixels, grid);
    Value embeddings = merger.connect(v.at("merger"), features.lastHiddenState());
    int[] taps = visionConfig.deepstackVisualIndexes();
    // The reference collects features in the order of the blocks, each through the merger that
    // stands at the block's place in the list.
    int[] blocks = Arrays.stream(taps).sorted().toArray();
    List<Value> deepstack = new ArrayList<>();
    for (int block : blocks) {
      int level = indexOf(taps, block);
      Value hidden = features.hiddenStates().get(block + 1);
      deepstack.add(
          deepstackMergers.get(level).connect(v.at("deepstack_merger_list." + level), hidden));
    }
    return new VisualEmbeddings(features, embeddings, deepstack);
  }

  private static int indexOf(int[] values, int wanted) {
    for (int i = 0; i < values.length; i++) {
      if (values[i] == wanted) {
        return i;
      }
    }
    throw new IllegalArgumentException(wanted + " is not among " + Arrays.toString(values));
  }
}
