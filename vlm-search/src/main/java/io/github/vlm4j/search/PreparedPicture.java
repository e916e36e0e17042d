package io.github.vlm4j.search;

import io.github.vlm4j.vision.image.Image;

/** A picture file that the index is to be told about. */
sealed interface PreparedPicture {

  /** Returns which file it is, as it was before it was read. */
  PictureFile file();

  /**
   * One that was read.
   *
   * @param file which
   * @param known whether the index has an entry already
   * @param image its pixels
   */
  record Decoded(PictureFile file, boolean known, Image image) implements PreparedPicture {}

  /**
   * One that was not.
   *
   * @param file which
   * @param reason why, as a sentence
   * @param lasting whether it is of no use to try again before the file changes
   */
  record Broken(PictureFile file, String reason, boolean lasting) implements PreparedPicture {}
}
