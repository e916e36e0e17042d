package io.github.vlm4j.models.minimindv;

import io.github.vlm4j.connector.PixelShuffle;
import io.github.vlm4j.connector.TokenConcatenation;
import io.github.vlm4j.connector.TokenReduction;
import io.github.vlm4j.core.ModelException;
import io.github.vlm4j.core.model.PatchGrid;
import io.github.vlm4j.models.clip.PictureTower;
import io.github.vlm4j.models.clip.PictureTower.Kind;
import io.github.vlm4j.models.family.ModelDescription;
import io.github.vlm4j.models.family.PictureProcessor;
import io.github.vlm4j.models.family.TensorShapes;
import io.github.vlm4j.models.minimindv.MiniMindLayout.Connecting;
import java.nio.file.Path;
import java.util.Optional;

/**
 * How pictures come to a MiniMind-V's connector: which encoder, and how many of its patches are
 * joined to one row.
 *
 * @param folder the encoder's folder
 * @param tower the encoder
 * @param filledTo up to how many rows a picture's patches are filled; all have as many where it is
 *     the number of patches
 * @param reduction what joins patches; empty where each patch is a row
 */
record MiniMindPictures(
    Path folder, PictureTower tower, int filledTo, Optional<TokenReduction> reduction) {

  /**
   * Reads the encoder's configuration and holds it against the connector.
   *
   * @return nothing if no encoder was given
   * @throws ModelException if the encoder is not one that the connector was made for
   */
  static Optional<MiniMindPictures> read(ModelDescription model, MiniMindConfig config) {
    Optional<Path> folder = model.parts().vision();
    if (config.layout().connector() == Connecting.NONE || folder.isEmpty()) {
      return Optional.empty();
    }
    PictureTower tower = PictureTower.read(model.visionConfig().orElseThrow());
    Kind wanted =
        switch (config.layout().connector()) {
          case LINEAR -> Kind.CLIP;
          case MLP -> Kind.NAFLEX;
          default -> Kind.SIGLIP;
        };
    if (tower.kind() != wanted) {
      throw new ModelException(
          ("The connector of %s reads the patches of a %s, but the vision model in %s is a %s;"
                  + " give the one that it was trained with.")
              .formatted(model.parts().model(), said(wanted), folder.get(), said(tower.kind())));
    }
    int patches = tower.maxPatches(folder.get());
    int joined = model.tensors().map(tensors -> joined(tensors, model, config, tower)).orElse(1);
    MiniMindPictures pictures =
        new MiniMindPictures(folder.get(), tower, patches, reduction(config, joined));
    pictures.requireCount(config);
    return Optional.of(pictures);
  }

  private static String said(Kind kind) {
    return switch (kind) {
      case CLIP -> "CLIP";
      case SIGLIP -> "SigLIP for pictures of one size";
      case NAFLEX -> "SigLIP 2 for pictures of any size (NaFlex)";
    };
  }

  /** How many patches are joined to one row of the connector. */
  private static int joined(
      TensorShapes tensors, ModelDescription model, MiniMindConfig config, PictureTower tower) {
    int row = config.layout().rowSize(tensors);
    int hidden = tower.sizes().hiddenSize();
    int joined = row / hidden;
    int side = (int) Math.round(Math.sqrt(joined));
    boolean fits =
        row % hidden == 0
            && switch (config.layout().connector()) {
              case LINEAR -> joined == 1;
              case MLP -> tower.maxPatches(model.parts().vision().orElseThrow()) % joined == 0;
              default -> joined == side * side && tower.sizes().gridSize() % side == 0;
            };
    if (!fits) {
      throw new ModelException(
          ("The connector's %s cannot read the %d patches of length %d of the vision model in %s;"
                  + " give the one that it was trained with.")
              .formatted(
                  tensors.describe(config.layout().rowTensor()),
                  tower.maxPatches(model.parts().vision().orElseThrow()),
                  hidden,
                  model.parts().vision().orElseThrow()));
    }
    return joined;
  }

  private static Optional<TokenReduction> reduction(MiniMindConfig config, int joined) {
    if (joined == 1) {
      return Optional.empty();
    }
    return Optional.of(
        config.layout().connector() == Connecting.MLP
            ? new TokenConcatenation(joined)
            : new PixelShuffle((int) Math.round(Math.sqrt(joined))));
  }

  private void requireCount(MiniMindConfig config) {
    config
        .imageTokens()
        .filter(said -> said.count() != tokens())
        .ifPresent(said -> {
          throw config
              .config()
              .invalid(
                  said.field(),
                  "%s, as many as a picture has embeddings with the vision model in %s"
                      .formatted(said.saying(tokens()), folder));
        });
  }

  /** Returns the length of the connector's rows. */
  int rowSize() {
    int hidden = tower.sizes().hiddenSize();
    return reduction.map(joining -> joining.rowSize(hidden)).orElse(hidden);
  }

  /** Returns how many embeddings a picture has, whatever its size. */
  int tokens() {
    return reduction.map(joining -> joining.tokens(filledGrid())).orElse(filledTo);
  }

  /** Returns the grid of the rows that the connector reads, or a line of them if it has none. */
  PatchGrid filledGrid() {
    return tower.kind() == Kind.NAFLEX ? new PatchGrid(1, 1, filledTo) : tower.grid();
  }

  PictureProcessor processor() {
    return tower.pictures(folder);
  }
}
