package io.github.vlm4j.models.clip;

import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.model.PatchGrid;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.models.family.PictureProcessor;
import io.github.vlm4j.models.family.PreparedPicture;
import io.github.vlm4j.vision.image.Image;
import io.github.vlm4j.vision.preprocess.ClipImageProcessor;
import io.github.vlm4j.vision.preprocess.PixelValues;

/**
 * Pictures of one size, for encoders that have positions for that size only.
 *
 * @param processor resizes, crops and normalises
 * @param imageSize the side that the encoder reads, in pixels
 * @param factor how many pixels along a side become one patch, or one position of the last map
 * @param cut whether the encoder reads patches, or else the whole picture
 */
public record FixedPictures(ClipImageProcessor processor, int imageSize, int factor, boolean cut)
    implements PictureProcessor {

  @Override
  public PreparedPicture prepare(Image image) {
    PixelValues values = processor.process(image);
    if (values.height() != imageSize || values.width() != imageSize) {
      throw new CheckpointException(
          "The preprocessing makes pictures of "
              + values.height()
              + "×"
              + values.width()
              + " pixels where the model reads "
              + imageSize
              + "×"
              + imageSize
              + "; size and crop_size in preprocessor_config.json are those of another model.");
    }
    return new PreparedPicture(
        cut ? values.patches(factor) : values.channelsLast(),
        new PatchGrid(1, values.height() / factor, values.width() / factor),
        Tensor.ofFloats(values.values(), values.channels(), values.height(), values.width()),
        processor.seen(image));
  }
}
