package io.github.vlm4j.vision.image;

import io.github.vlm4j.core.InputException;

/**
 * How large a picture may be. Both numbers are checked before a pixel is decoded, so that a small
 * file cannot claim a large part of the memory.
 *
 * @param maxPixels the most pixels (width × height)
 * @param maxBytes the most bytes of an encoded file or stream
 */
public record ImageLimits(long maxPixels, long maxBytes) {

  /** 89,478,485 pixels (Pillow's limit: a quarter of a gigabyte of RGB) in at most 512 MiB. */
  public static final ImageLimits DEFAULT = new ImageLimits(89_478_485L, 512L << 20);

  /** An RGB array of more pixels than this would not fit into one Java array. */
  private static final long ADDRESSABLE_PIXELS = (Integer.MAX_VALUE - 8) / 3;

  /**
   * Creates limits.
   *
   * @throws InputException if a number is not positive, or larger than one Java array can hold
   */
  public ImageLimits {
    if (maxPixels < 1 || maxPixels > ADDRESSABLE_PIXELS) {
      throw new InputException(
          "The pixel limit is "
              + maxPixels
              + "; choose a number from 1 to "
              + ADDRESSABLE_PIXELS
              + ".");
    }
    if (maxBytes < 1 || maxBytes > Integer.MAX_VALUE - 8) {
      throw new InputException(
          "The limit on file size is "
              + maxBytes
              + " bytes; choose a number from 1 to "
              + (Integer.MAX_VALUE - 8)
              + ".");
    }
  }

  /**
   * The same limits with another number of pixels, for pictures that are known to be large.
   *
   * @param pixels the most pixels (width × height)
   * @return the new limits
   */
  public ImageLimits withMaxPixels(long pixels) {
    return new ImageLimits(pixels, maxBytes);
  }
}
