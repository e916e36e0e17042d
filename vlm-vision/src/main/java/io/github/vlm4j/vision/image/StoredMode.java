package io.github.vlm4j.vision.image;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * How a picture's samples were stored, as far as it matters to who resizes them before converting
 * them to RGB, as OpenAI's and open_clip's transforms do. Named after Pillow's modes, which decide
 * there how a picture is resized.
 */
public enum StoredMode {
  /** Colour or 8-bit grey without transparency ({@code RGB}, {@code L}): the order is the same. */
  RGB(0),
  /** Colours of a palette, or black and white ({@code P}, {@code 1}): RGB says everything. */
  PALETTE(0),
  /** Transparency beside colour or grey ({@code RGBA}, {@code LA}): `[height, width]` alpha. */
  ALPHA(1),
  /** Ink ({@code CMYK}): `[height, width, 4]`, 255 for full ink. */
  CMYK(4),
  /** Grey of 16 bits ({@code I;16}): `[height, width]` i32, little endian. */
  GREY_16(4),
  /** Grey of 32 bits ({@code I}): `[height, width]` i32, little endian. */
  GREY_32(4),
  /** Grey in floating point ({@code F}): `[height, width]` f32, little endian. */
  GREY_FLOAT(4);

  private final int bytesPerPixel;

  StoredMode(int bytesPerPixel) {
    this.bytesPerPixel = bytesPerPixel;
  }

  /**
   * The size of what is kept of a pixel beside its RGB levels.
   *
   * @return bytes, 0 if the RGB levels say everything
   */
  public int bytesPerPixel() {
    return bytesPerPixel;
  }

  /**
   * Converts stored samples as Pillow's {@code convert("RGB")} does: ink with no colour profile,
   * and grey of more than 8 bits clipped, its fraction cut off.
   *
   * @param samples `[pixels, bytesPerPixel]` of {@link #CMYK} or one of the grey modes
   * @return `[pixels, 3]`
   * @throws UnsupportedOperationException if the mode's samples do not hold the colour
   */
  public byte[] toRgb(byte[] samples) {
    return switch (this) {
      case CMYK -> fromInk(samples);
      case GREY_16, GREY_32, GREY_FLOAT -> fromGrey(samples);
      case RGB, PALETTE, ALPHA ->
          throw new UnsupportedOperationException(this + " keeps its colour as RGB");
    };
  }

  private static byte[] fromInk(byte[] samples) {
    byte[] rgb = new byte[samples.length / 4 * 3];
    for (int from = 0, at = 0; from < samples.length; from += 4, at += 3) {
      int light = 255 - (samples[from + 3] & 0xff);
      for (int c = 0; c < 3; c++) {
        rgb[at + c] = (byte) Math.max(light - dividedBy255((samples[from + c] & 0xff) * light), 0);
      }
    }
    return rgb;
  }

  /** The nearest integer to {@code product / 255} for products of two bytes. */
  private static int dividedBy255(int product) {
    int biased = product + 128;
    return ((biased >> 8) + biased) >> 8;
  }

  private byte[] fromGrey(byte[] samples) {
    ByteBuffer values = ByteBuffer.wrap(samples).order(ByteOrder.LITTLE_ENDIAN);
    byte[] rgb = new byte[samples.length / 4 * 3];
    for (int from = 0, at = 0; from < samples.length; from += 4, at += 3) {
      long level = this == GREY_FLOAT ? (long) values.getFloat(from) : values.getInt(from);
      byte clipped = (byte) Math.clamp(level, 0, 255);
      rgb[at] = clipped;
      rgb[at + 1] = clipped;
      rgb[at + 2] = clipped;
    }
    return rgb;
  }
}
