package io.github.vlm4j.models.family;

import io.github.vlm4j.vision.image.Image;

/** Turns pictures into what an encoder reads. */
public interface PictureProcessor {

  /**
   * Preprocesses a picture.
   *
   * @throws io.github.vlm4j.core.InputException if it cannot be put to this model
   */
  PreparedPicture prepare(Image image);
}
