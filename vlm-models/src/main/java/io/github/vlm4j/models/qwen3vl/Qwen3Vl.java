package io.github.vlm4j.models.qwen3vl;

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
import io.github.vlm4j.text.decoder.MultimodalRotary;
import io.github.vlm4j.vision.encoder.QwenVisionConfig;
import io.github.vlm4j.vision.encoder.QwenVisionEncoder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Qwen3-VL: the vision tower's last hidden state passes the main merger and takes the placeholders'
 * rows; the hidden states at the DeepStack indexes pass mergers of their own and are added to those
 * rows after the first decoder layers (DeepStack, Meng et al., 2024). Reference: transformers,
 * {@code models/qwen3_vl/modeling_qwen3_vl.py}.
 */
final class Qwen3Vl implements VisualPath {

  private final QwenVisionConfig visionConfig;
  private final QwenVisionEncoder vision;
  private final PatchMerger merger;
  private final List<PatchMerger> deepstackMergers = new ArrayList<>();

  /** Puts a model together. */
  static ModelArchitecture assemble(Qwen3VlConfig config, WeightScope weights) {
    // Saved from the bare model, without its head, the names lack their first part.
    boolean bare = weights.has("visual.patch_embed.proj.weight");
    WeightScope model = bare ? weights : weights.at("model");
    Qwen3Vl visual = new Qwen3Vl(config.vision(), model.at("visual"));
    var rotary =
        new MultimodalRotary(
            config.text().attention().headDim(), config.ropeTheta(), config.mropeSection());
    var decoder =
        new GqaDecoder(
            config.text(),
            rotary,
            DecoderNames.HUGGING_FACE,
            model.at("language_model"),
            weights.at("lm_head"));
    return ModelArchitecture.of(decoder, visual);
  }

  private Qwen3Vl(QwenVisionConfig config, WeightScope visual) {
    visionConfig = config;
    vision = new QwenVisionEncoder(visionConfig, visual);
    merger = merger(NormPlace.BEFORE_SHUFFLE, visual.at("merger"));
    for (int i = 0; i < visionConfig.deepstackVisualIndexes().length; i++) {
      deepstackMergers.add(
          merger(NormPlace.AFTER_SHUFFLE, visual.at("deepstack_merger_list." + i)));
    }
  }

  private PatchMerger merger(NormPlace normPlace, WeightScope scope) {
    return PatchMerger.qwen3(
        visionConfig.hiddenSize(),
        visionConfig.patches().mergeSize(),
        visionConfig.outHiddenSize(),
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
