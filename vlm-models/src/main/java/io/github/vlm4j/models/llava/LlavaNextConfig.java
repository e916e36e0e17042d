package io.github.vlm4j.models.llava;

import io.github.vlm4j.core.checkpoint.ConfigNode;
import io.github.vlm4j.core.model.PatchGrid;
import io.github.vlm4j.core.model.Tiling;
import io.github.vlm4j.vision.preprocess.TileSizes;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.Optional;

/**
 * The {@code config.json} of a LLaVA-NeXT checkpoint, as transformers 4.39 to 5 write it.
 *
 * @param llava what it has in common with LLaVA 1.5
 * @param sizes that pictures are fitted into before they are cut into tiles
 */
record LlavaNextConfig(LlavaConfig llava, TileSizes sizes) {

  private static final int DECIMALS = 7;

  static LlavaNextConfig read(ConfigNode config) {
    LlavaConfig llava = LlavaConfig.read(config);
    PatchGrid tile = llava.vision().grid();
    if (llava.visualTokens(tile) != tile.patches()) {
      throw config.invalid(
          LlavaConfig.STRATEGY,
          "\"default\" with an encoder that has a class token and \"full\" with one that has none,"
              + " as tiles are put together by their patches");
    }
    return new LlavaNextConfig(llava, TileSizes.read(config, llava.vision().sizes().imageSize()));
  }

  /**
   * Returns the grid of a picture. Its tiles show it but for rows or columns of patches that are
   * nothing but padding. Reference: transformers, {@code modeling_llava_next.py}, {@code
   * unpad_image}.
   */
  PatchGrid grid(int imageHeight, int imageWidth) {
    int side = llava.vision().sizes().imageSize();
    TileSizes.Size size = sizes.best(imageHeight, imageWidth);
    int rows = size.height() / side;
    int columns = size.width() / side;
    PatchGrid tile = llava.vision().grid();
    int height = rows * tile.height();
    int width = columns * tile.width();
    if ((double) imageWidth / imageHeight > (double) width / height) {
      height = without(height, imageHeight * ((double) width / imageWidth));
    } else {
      width = without(width, imageWidth * ((double) height / imageHeight));
    }
    return new PatchGrid(
        1 + rows * columns,
        tile.height(),
        tile.width(),
        Optional.of(new Tiling(rows, columns, height, width)));
  }

  /** As much is cut off on both sides. */
  private static int without(int all, double shown) {
    int kept = BigDecimal.valueOf(shown).setScale(DECIMALS, RoundingMode.HALF_EVEN).intValue();
    return all - (all - kept) / 2 * 2;
  }

  /** Returns how many embeddings a picture becomes: the copy's, the tiles' and the line ends. */
  int visualTokens(PatchGrid grid) {
    Tiling tiling = grid.tiling().orElseThrow();
    return grid.height() * grid.width() + tiling.height() * (tiling.width() + 1);
  }
}
