package io.github.vlm4j.models.minimindv;

import io.github.vlm4j.connector.LinearConnector;
import io.github.vlm4j.connector.MlpConnector;
import io.github.vlm4j.core.graph.Activation;
import io.github.vlm4j.core.model.Connector;
import io.github.vlm4j.core.nn.LayerNorm;
import io.github.vlm4j.core.nn.Linear;
import io.github.vlm4j.core.weights.WeightScope;
import io.github.vlm4j.models.family.ModelArchitecture;
import io.github.vlm4j.models.family.ModelDescription;
import io.github.vlm4j.models.minimindv.MiniMindLayout.Connecting;
import io.github.vlm4j.models.minimindv.MiniMindLayout.Decoding;
import io.github.vlm4j.text.decoder.GqaDecoder;
import java.util.Optional;

/**
 * MiniMind-V: the last hidden state of a frozen encoder's patches passes a small connector and
 * takes the placeholders' rows of a small decoder. The encoder is never in the checkpoint.
 */
final class MiniMindV {

  private static final float NORM_EPS = 1e-5f;

  private MiniMindV() {}

  static ModelArchitecture assemble(
      ModelDescription model, MiniMindConfig config, WeightScope weights) {
    boolean first = config.layout().decoder() == Decoding.META;
    GqaDecoder decoder =
        new GqaDecoder(
            config.decoder(),
            config.rotary(),
            config.names(),
            first ? weights : weights.at("model"),
            weights.at(first ? "output" : "lm_head"));
    if (config.layout().connector() == Connecting.NONE) {
      return ModelArchitecture.ofText(decoder);
    }
    Optional<MiniMindPictures> pictures = MiniMindPictures.read(model, config);
    int row = pictures.map(MiniMindPictures::rowSize).orElseGet(() -> rowSize(model, config));
    Connector connector = connector(config, row, weights);
    return pictures
        .map(encoding ->
            ModelArchitecture.of(
                decoder,
                new MiniMindVisualPath(
                    encoding, weights.at(ModelDescription.VISION_MODEL), connector)))
        .orElseGet(() -> ModelArchitecture.ofText(decoder));
  }

  private static Connector connector(MiniMindConfig config, int row, WeightScope weights) {
    int hidden = config.decoder().hiddenSize();
    WeightScope mlp = weights.at(MiniMindLayout.MLP);
    return switch (config.layout().connector()) {
      case LINEAR -> new LinearConnector(Linear.of(weights.at(MiniMindLayout.LINEAR), row, hidden));
      case MLP ->
          MlpConnector.of(
              Activation.GELU,
              Linear.of(mlp.at("0"), row, hidden),
              Linear.of(mlp.at("2"), hidden, hidden));
      case NORMED_MLP ->
          MlpConnector.normed(
              LayerNorm.of(mlp.at("0"), row, NORM_EPS),
              Activation.GELU,
              Linear.of(mlp.at("1"), row, hidden),
              Linear.of(mlp.at("3"), hidden, hidden));
      case NONE -> throw new IllegalStateException("no connector");
    };
  }

  /** The length of the connector's rows as it is, where no encoder is at hand to say it. */
  private static int rowSize(ModelDescription model, MiniMindConfig config) {
    return model
        .tensors()
        .map(tensors -> config.layout().rowSize(tensors))
        .orElseGet(() -> config.config().positiveIntOr("image_hidden_size", 768));
  }
}
