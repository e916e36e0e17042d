package io.github.vlm4j.models.llava;

import io.github.vlm4j.connector.MlpConnector;
import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.model.Connector;
import io.github.vlm4j.core.model.PatchGrid;
import io.github.vlm4j.core.model.VisionEncoder;
import io.github.vlm4j.core.model.VisionFeatures;
import io.github.vlm4j.core.nn.Linear;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.weights.WeightScope;
import io.github.vlm4j.models.family.ModelArchitecture;
import io.github.vlm4j.models.family.VisualEmbeddings;
import io.github.vlm4j.models.family.VisualPath;
import io.github.vlm4j.text.decoder.GqaDecoder;
import io.github.vlm4j.text.decoder.HuggingFaceDecoder;
import java.util.List;

/**
 * LLaVA 1.5 (Liu et al., "Improved Baselines with Visual Instruction Tuning", 2023): hidden states
 * from near the end of a vision tower pass a two-layer MLP and take the placeholders' rows.
 * Reference: transformers, {@code models/llava/modeling_llava.py}.
 */
final class Llava implements VisualPath {

  private final LlavaConfig config;
  private final VisionEncoder vision;
  private final Connector projector;

  /** Puts a model together. */
  static ModelArchitecture assemble(LlavaConfig config, WeightScope weights) {
    boolean whole = hasWholeDecoder(weights);
    WeightScope model = model(weights);
    WeightScope language = weights.at(whole ? "language_model.model" : "model.language_model");
    WeightScope head = weights.at(whole ? "language_model.lm_head" : "lm_head");
    VisionEncoder vision = config.vision().encoder(model.at("vision_tower"));
    GqaDecoder decoder = HuggingFaceDecoder.of(config.text(), config.tied(), language, head);
    Connector projector =
        projector(
            config,
            config.features().rowSize(vision.hiddenSize()),
            decoder.geometry().hiddenSize(),
            model.at("multi_modal_projector"));
    return ModelArchitecture.of(decoder, new Llava(config, vision, projector));
  }

  /** Returns where everything but the head is. */
  static WeightScope model(WeightScope weights) {
    return hasWholeDecoder(weights) ? weights : weights.at("model");
  }

  /**
   * Files on the hub keep the decoder whole, its head inside; in newer versions of the reference
   * the head is beside the rest, which is called the model.
   */
  private static boolean hasWholeDecoder(WeightScope weights) {
    return weights.has("language_model.model.embed_tokens.weight");
  }

  private static Connector projector(
      LlavaConfig config, int features, int hidden, WeightScope scope) {
    return MlpConnector.of(
        config.projectorActivation(),
        linear(scope.at("linear_1"), features, hidden, config.projectorBias()),
        linear(scope.at("linear_2"), hidden, hidden, config.projectorBias()));
  }

  private static Linear linear(WeightScope scope, int in, int out, boolean bias) {
    return bias ? Linear.of(scope, in, out) : Linear.withoutBias(scope, in, out);
  }

  private Llava(LlavaConfig config, VisionEncoder vision, Connector projector) {
    this.config = config;
    this.vision = vision;
    this.projector = projector;
  }

  @Override
  public int visualTokens(PatchGrid grid) {
    return config.visualTokens(grid);
  }

  @Override
  public Shape pixelShape(PatchGrid grid) {
    return vision.pixelShape(grid);
  }

  /** Returns the one grid that there is: every picture is made to fit. */
  @Override
  public PatchGrid gridFor(int imageHeight, int imageWidth) {
    return config.vision().grid();
  }

  @Override
  public VisualEmbeddings embedVisual(GraphBuilder g, Value pixels, PatchGrid grid) {
    VisionFeatures features = vision.encode(g.at("vision_tower"), pixels, grid);
    Value selected = selected(g, config, features, grid);
    Value embeddings = projector.connect(g.at("multi_modal_projector"), selected);
    return new VisualEmbeddings(features, embeddings, List.of());
  }

  static Value selected(
      GraphBuilder g, LlavaConfig config, VisionFeatures features, PatchGrid grid) {
    Value selected = config.features().select(g, features, grid.frames());
    return config.dropsFirstPatch() ? selected.rows(1, selected.shape().dim(0)) : selected;
  }
}
