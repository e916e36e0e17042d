package io.github.vlm4j.models.clip;

import io.github.vlm4j.core.model.PatchGrid;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.models.family.PictureProcessor;
import io.github.vlm4j.models.family.PreparedPicture;
import io.github.vlm4j.vision.image.Image;
import io.github.vlm4j.vision.preprocess.NaflexImage;
import io.github.vlm4j.vision.preprocess.NaflexImageProcessor;
import io.github.vlm4j.vision.preprocess.SeenRegion;

/**
 * Pictures of any aspect ratio, for SigLIP 2 with variable grids.
 *
 * @param processor resizes, cuts and normalises
 */
record NaflexPictures(NaflexImageProcessor processor) implements PictureProcessor {

  @Override
  public PreparedPicture prepare(Image image) {
    NaflexImage prepared = processor.process(image);
    PatchGrid grid = new PatchGrid(1, prepared.height(), prepared.width());
    return new PreparedPicture(
        prepared.patches(),
        grid,
        Tensor.ofFloats(
            prepared.patches(), grid.patches(), prepared.patches().length / grid.patches()),
        new SeenRegion(0, 0, image.width(), image.height()));
  }
}
