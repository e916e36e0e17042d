package io.github.vlm4j.vision.image;

/**
 * What a decoder made of a picture.
 *
 * @param rgb `[height, width, 3]`
 * @param mode how it was stored
 * @param samples `[height, width, mode.bytesPerPixel()]`
 */
@SuppressWarnings("ArrayRecordComponent") // Pixels are handed over, not compared.
record DecodedPixels(byte[] rgb, StoredMode mode, byte[] samples) {

  private static final byte[] NONE = {};

  /** Pixels of which the RGB levels say everything. */
  static DecodedPixels opaque(byte[] rgb) {
    return new DecodedPixels(rgb, StoredMode.RGB, NONE);
  }

  /** Pixels of a mode whose samples hold the colour. */
  static DecodedPixels ofSamples(StoredMode mode, byte[] samples) {
    return new DecodedPixels(mode.toRgb(samples), mode, samples);
  }

  /** The same levels, if they are known to be stored in a simpler mode than the decoder used. */
  DecodedPixels as(StoredMode simpler) {
    return new DecodedPixels(rgb, simpler, NONE);
  }
}
