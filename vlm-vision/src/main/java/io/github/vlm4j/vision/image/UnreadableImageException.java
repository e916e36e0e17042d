package io.github.vlm4j.vision.image;

/**
 * Why a picture cannot be read, as a clause ("its header …"); {@link ContainedDecoder} makes it a
 * sentence for the user.
 */
final class UnreadableImageException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  UnreadableImageException(String message) {
    super(message);
  }
}
