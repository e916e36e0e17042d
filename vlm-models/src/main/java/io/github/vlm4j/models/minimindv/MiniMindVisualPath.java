package io.github.vlm4j.models.minimindv;

import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.model.Connector;
import io.github.vlm4j.core.model.FeatureSelection;
import io.github.vlm4j.core.model.PatchGrid;
import io.github.vlm4j.core.model.VisionEncoder;
import io.github.vlm4j.core.model.VisionFeatures;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.weights.WeightScope;
import io.github.vlm4j.models.family.VisualEmbeddings;
import io.github.vlm4j.models.family.VisualPath;
import io.github.vlm4j.vision.encoder.SiglipVisionEncoder;
import java.util.List;

/** A picture's way to a MiniMind-V's decoder; see {@link MiniMindPictures}. */
final class MiniMindVisualPath implements VisualPath {

  private static final FeatureSelection PATCHES = FeatureSelection.ofLastHiddenState(true);

  private final MiniMindPictures pictures;
  private final VisionEncoder encoder;
  private final Connector connector;

  MiniMindVisualPath(MiniMindPictures pictures, WeightScope weights, Connector connector) {
    this.pictures = pictures;
    this.encoder = pictures.tower().encoder(weights);
    this.connector = connector;
  }

  @Override
  public int visualTokens(PatchGrid grid) {
    return pictures.tokens();
  }

  @Override
  public Shape pixelShape(PatchGrid grid) {
    return encoder.pixelShape(grid);
  }

  @Override
  public PatchGrid gridFor(int imageHeight, int imageWidth) {
    return pictures.tower().grid();
  }

  @Override
  public VisualEmbeddings embedVisual(GraphBuilder g, Value pixels, PatchGrid grid) {
    GraphBuilder vision = g.at("vision_encoder");
    VisionFeatures features = encoder.encode(vision, pixels, grid);
    Value patches =
        encoder instanceof SiglipVisionEncoder siglip
            ? siglip.filledUp(vision, features, grid, pictures.filledTo())
            : PATCHES.select(vision, features, 1);
    Value rows =
        pictures
            .reduction()
            .map(joining -> joining.reduce(g, patches, pictures.filledGrid()))
            .orElse(patches);
    return new VisualEmbeddings(features, connector.connect(g.at("vision_proj"), rows), List.of());
  }
}
