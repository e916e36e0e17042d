package io.github.vlm4j.models.clipqwen;

import io.github.vlm4j.connector.MlpConnector;
import io.github.vlm4j.core.ModelException;
import io.github.vlm4j.core.graph.Activation;
import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.model.Connector;
import io.github.vlm4j.core.model.FeatureSelection;
import io.github.vlm4j.core.model.PatchGrid;
import io.github.vlm4j.core.model.VisionEncoder;
import io.github.vlm4j.core.model.VisionFeatures;
import io.github.vlm4j.core.nn.Linear;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.weights.WeightScope;
import io.github.vlm4j.models.clip.PictureTower;
import io.github.vlm4j.models.family.ModelArchitecture;
import io.github.vlm4j.models.family.ModelDescription;
import io.github.vlm4j.models.family.VisualEmbeddings;
import io.github.vlm4j.models.family.VisualPath;
import io.github.vlm4j.text.decoder.DecoderNames;
import io.github.vlm4j.text.decoder.GqaDecoder;
import java.util.List;

/**
 * CLIP and Qwen's first generation, put together as VLM-learning does: the last hidden state
 * without its class token passes two layers with a GELU between them and stands where the prompt
 * has a {@code <|extra_0|>}. SigLIP, which has no class token, gives all of its rows. Reference:
 * WatchTower-Liu/VLM-learning, {@code model/model.py} and {@code qwen/Mqwen.py}.
 */
final class ClipQwen implements VisualPath {

  private static final FeatureSelection PATCHES = FeatureSelection.ofLastHiddenState(true);

  private final PictureTower tower;
  private final VisionEncoder vision;
  private final Connector projection;

  /** Puts a model together; without a vision model's folder it reads text alone. */
  static ModelArchitecture assemble(ModelDescription model, WeightScope weights) {
    QwenConfig config = QwenConfig.read(model.requireConfig());
    GqaDecoder decoder =
        new GqaDecoder(
            config.decoder(),
            config.rotary(),
            DecoderNames.QWEN,
            weights.at("transformer"),
            weights.at("lm_head"));
    requireBothOrNeither(model);
    return model.visionConfig().isEmpty()
        ? ModelArchitecture.ofText(decoder)
        : ModelArchitecture.of(
            decoder,
            new ClipQwen(
                tower(model),
                weights.at(ModelDescription.VISION_MODEL),
                weights.at(ModelDescription.CONNECTOR),
                config.decoder().hiddenSize()));
  }

  private static void requireBothOrNeither(ModelDescription model) {
    boolean vision = model.visionConfig().isPresent();
    if (vision && model.parts().connector() == null) {
      throw new ModelException(
          "A Qwen with the vision model "
              + model.parts().visionModel()
              + " needs the projection between the two, which is a file of its own; give it with"
              + " --connector (VLM-learning calls it other_params.bin).");
    }
    if (!vision && model.parts().connector() != null) {
      throw new ModelException(
          "The connector "
              + model.parts().connector()
              + " has no vision model to connect; name the folder of its CLIP with"
              + " --vision-model.");
    }
  }

  /** Reads the vision model's configuration, of a CLIP or SigLIP for pictures of one size. */
  static PictureTower tower(ModelDescription model) {
    PictureTower tower = PictureTower.read(model.visionConfig().orElseThrow());
    if (tower.kind() == PictureTower.Kind.NAFLEX) {
      throw model
          .visionConfig()
          .orElseThrow()
          .invalid("model_type", "that of a CLIP or SigLIP for pictures of one size");
    }
    return tower;
  }

  private ClipQwen(
      PictureTower tower, WeightScope encoder, WeightScope connector, int decoderSize) {
    this.tower = tower;
    vision = tower.encoder(encoder);
    WeightScope layers =
        connector.has("feature_proj.0.weight") ? connector.at("feature_proj") : connector;
    projection =
        MlpConnector.of(
            Activation.GELU,
            Linear.of(layers.at("0"), vision.hiddenSize(), decoderSize),
            Linear.of(layers.at("2"), decoderSize, decoderSize));
  }

  @Override
  public int visualTokens(PatchGrid grid) {
    return grid.patches();
  }

  @Override
  public Shape pixelShape(PatchGrid grid) {
    return vision.pixelShape(grid);
  }

  /** Returns the one grid that there is: every picture is made to fit. */
  @Override
  public PatchGrid gridFor(int imageHeight, int imageWidth) {
    return tower.grid();
  }

  @Override
  public VisualEmbeddings embedVisual(GraphBuilder g, Value pixels, PatchGrid grid) {
    VisionFeatures features = vision.encode(g.at("vision_model"), pixels, grid);
    Value patches = PATCHES.select(g, features, grid.frames());
    return new VisualEmbeddings(
        features, projection.connect(g.at("feature_proj"), patches), List.of());
  }
}
