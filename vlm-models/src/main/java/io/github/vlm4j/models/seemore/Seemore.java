package io.github.vlm4j.models.seemore;

import io.github.vlm4j.connector.MlpConnector;
import io.github.vlm4j.core.graph.Activation;
import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.model.PatchGrid;
import io.github.vlm4j.core.model.VisionFeatures;
import io.github.vlm4j.core.nn.Linear;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.weights.WeightScope;
import io.github.vlm4j.models.family.ModelArchitecture;
import io.github.vlm4j.models.family.VisualEmbeddings;
import io.github.vlm4j.models.family.VisualPath;
import io.github.vlm4j.text.decoder.LearnedPositionDecoder;
import io.github.vlm4j.vision.encoder.SeemoreVisionEncoder;
import io.github.vlm4j.vision.encoder.VitConfig;
import java.util.List;

/**
 * seemore: the normed class token of a picture passes an MLP of four times its width and stands
 * before the text as one token. Reference: github.com/AviSoori1x/seemore, {@code seemore.py},
 * {@code VisionLanguageModel}.
 */
final class Seemore implements VisualPath {

  private static final int WIDENING = 4;

  private final VitConfig config;
  private final SeemoreVisionEncoder vision;
  private final MlpConnector projection;

  private Seemore(SeemoreConfig config, WeightScope weights) {
    this.config = config.vision();
    vision = new SeemoreVisionEncoder(config.vision(), weights.at("vision_encoder"));
    int hidden = config.vision().hiddenSize();
    WeightScope net = weights.at("decoder.image_projection.net");
    projection =
        MlpConnector.of(
            Activation.GELU,
            Linear.of(net.at("0"), hidden, (long) WIDENING * hidden),
            Linear.of(net.at("2"), (long) WIDENING * hidden, config.text().hiddenSize()));
  }

  static ModelArchitecture assemble(SeemoreConfig config, WeightScope weights) {
    return ModelArchitecture.of(
        new LearnedPositionDecoder(config.text(), weights.at("decoder")),
        new Seemore(config, weights));
  }

  @Override
  public int visualTokens(PatchGrid grid) {
    return grid.frames();
  }

  @Override
  public Shape pixelShape(PatchGrid grid) {
    return vision.pixelShape(grid);
  }

  @Override
  public PatchGrid gridFor(int imageHeight, int imageWidth) {
    return new PatchGrid(1, config.gridSize(), config.gridSize());
  }

  @Override
  public VisualEmbeddings embedVisual(GraphBuilder g, Value pixels, PatchGrid grid) {
    VisionFeatures features = vision.encode(g.at("vision_encoder"), pixels, grid);
    Value classTokens = features.pooled().orElseThrow();
    Value embeddings = projection.connect(g.at("image_projection"), classTokens);
    return new VisualEmbeddings(features, embeddings, List.of());
  }
}
