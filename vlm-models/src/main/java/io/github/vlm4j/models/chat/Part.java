package io.github.vlm4j.models.chat;

import io.github.vlm4j.vision.image.Image;
import java.util.List;

/** A piece of a message. */
public sealed interface Part {

  /**
   * Words.
   *
   * @param text as the user wrote it; control tokens in it are read as plain text
   */
  record Text(String text) implements Part {}

  /**
   * A picture.
   *
   * @param image the picture
   */
  record Picture(Image image) implements Part {}

  /**
   * A video, as pictures taken from it.
   *
   * @param frames the pictures, in order
   * @param framesPerSecond how many of them make a second; not 0 and not negative
   */
  record Video(List<Image> frames, double framesPerSecond) implements Part {

    /** Keeps an immutable copy of the frames. */
    public Video {
      frames = List.copyOf(frames);
    }
  }
}
