package io.github.vlm4j.vision.preprocess;

import io.github.vlm4j.core.InputException;

/**
 * The size that pictures are resized to.
 *
 * @param fit how a picture relates to the size
 * @param height rows
 * @param width columns
 */
public record ResizeRule(Fit fit, int height, int width) {

  /** A side beyond this comes only of pictures that are out of all proportion. */
  private static final long MAX_SIDE = 1 << 24;

  /** How a picture's aspect ratio is treated. */
  public enum Fit {
    /** The shorter side gets the size, the longer keeps the ratio, its fraction cut off. */
    SHORTEST_EDGE,
    /** The longer side gets the size, the shorter keeps the ratio, rounded half to even. */
    LONGEST_EDGE,
    /** Both sides get the size, whatever becomes of the ratio. */
    EXACT
  }

  /**
   * The size for a picture.
   *
   * @param sourceHeight its rows
   * @param sourceWidth its columns
   * @return rows, columns
   * @throws InputException if the picture is out of all proportion
   */
  int[] target(int sourceHeight, int sourceWidth) {
    return switch (fit) {
      case EXACT -> new int[] {height, width};
      case SHORTEST_EDGE -> {
        boolean upright = sourceWidth <= sourceHeight;
        int shorter = Math.min(sourceWidth, sourceHeight);
        // One multiplication and one division in f64, like the reference, for the same truncation.
        long longer =
            (long) ((double) ((long) height * Math.max(sourceWidth, sourceHeight)) / shorter);
        if (longer > MAX_SIDE) {
          throw new InputException(
              "A picture of %d×%d pixels is too elongated to be resized; crop it first."
                  .formatted(sourceWidth, sourceHeight));
        }
        yield upright ? new int[] {(int) longer, height} : new int[] {height, (int) longer};
      }
      case LONGEST_EDGE -> {
        double ratio = Math.max((double) sourceHeight / height, (double) sourceWidth / width);
        yield new int[] {
          (int) Math.max(Math.rint(sourceHeight / ratio), 1),
          (int) Math.max(Math.rint(sourceWidth / ratio), 1)
        };
      }
    };
  }
}
