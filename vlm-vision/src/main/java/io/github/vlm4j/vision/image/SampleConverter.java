package io.github.vlm4j.vision.image;

import java.awt.color.ColorSpace;
import java.awt.image.ColorModel;
import java.awt.image.ComponentSampleModel;
import java.awt.image.DataBuffer;
import java.awt.image.DataBufferByte;
import java.awt.image.IndexColorModel;
import java.awt.image.Raster;

/**
 * Turns stored samples into RGB by Pillow's {@code convert("RGB")} rules, which know no colour
 * management: `src/libImaging/Convert.c` and `Unpack.c` of Pillow 12.
 */
final class SampleConverter {

  private SampleConverter() {}

  static byte[] toRgb(Raster raster, ColorModel colours) {
    byte[] rgb = new byte[3 * raster.getWidth() * raster.getHeight()];
    if (colours instanceof IndexColorModel palette) {
      fromPalette(raster, palette, rgb);
      return rgb;
    }
    int space = colours.getColorSpace().getType();
    int bands = raster.getNumBands();
    boolean grey = space == ColorSpace.TYPE_GRAY && bands <= 2;
    boolean colour = space == ColorSpace.TYPE_RGB && (bands == 3 || bands == 4);
    boolean ink = space == ColorSpace.TYPE_CMYK && bands == 4;
    if (!grey && !colour && !ink) {
      throw new UnreadableImageException(
          "its colour model (%d bands, colour space type %d) is none of grey, RGB, indexed and CMYK"
              .formatted(bands, space));
    }
    if (bands == 1 && raster.getTransferType() != DataBuffer.TYPE_BYTE) {
      fromDeepGrey(raster, rgb);
    } else if (ink) {
      fromInk(raster, rgb, scales(raster, colours));
    } else {
      boolean premultiplied = colours.hasAlpha() && colours.isAlphaPremultiplied();
      if (premultiplied || !copyBytes(raster, rgb)) {
        fromSamples(raster, rgb, scales(raster, colours), premultiplied);
      }
    }
    return rgb;
  }

  /** C, M, Y, K to R, G, B. */
  static void inkToRgb(int c, int m, int y, int k, byte[] rgb, int at) {
    int light = 255 - k;
    rgb[at] = (byte) Math.max(light - dividedBy255(c * light), 0);
    rgb[at + 1] = (byte) Math.max(light - dividedBy255(m * light), 0);
    rgb[at + 2] = (byte) Math.max(light - dividedBy255(y * light), 0);
  }

  /** The nearest integer to {@code product / 255} for products of two bytes. */
  private static int dividedBy255(int product) {
    int biased = product + 128;
    return ((biased >> 8) + biased) >> 8;
  }

  private static void fromPalette(Raster raster, IndexColorModel palette, byte[] rgb) {
    int width = raster.getWidth();
    int[] row = new int[width];
    int[] colours = new int[palette.getMapSize()];
    palette.getRGBs(colours);
    int at = 0;
    for (int y = 0; y < raster.getHeight(); y++) {
      raster.getSamples(raster.getMinX(), raster.getMinY() + y, width, 1, 0, row);
      for (int index : row) {
        int colour = index < colours.length ? colours[index] : 0;
        rgb[at++] = (byte) (colour >> 16);
        rgb[at++] = (byte) (colour >> 8);
        rgb[at++] = (byte) colour;
      }
    }
  }

  /** The usual layouts (one byte per sample in any band order), without the detour over ints. */
  private static boolean copyBytes(Raster raster, byte[] rgb) {
    if (!(raster.getSampleModel() instanceof ComponentSampleModel model)
        || !(raster.getDataBuffer() instanceof DataBufferByte buffer)
        || buffer.getNumBanks() != 1) {
      return false;
    }
    int bands = raster.getNumBands();
    int[] bandOffsets = model.getBandOffsets();
    int red = bandOffsets[0];
    int green = bands >= 3 ? bandOffsets[1] : red;
    int blue = bands >= 3 ? bandOffsets[2] : red;
    int origin =
        buffer.getOffset()
            + (raster.getMinY() - raster.getSampleModelTranslateY()) * model.getScanlineStride()
            + (raster.getMinX() - raster.getSampleModelTranslateX()) * model.getPixelStride();
    byte[] samples = buffer.getData();
    int at = 0;
    for (int y = 0; y < raster.getHeight(); y++) {
      int from = origin + y * model.getScanlineStride();
      for (int x = 0; x < raster.getWidth(); x++, from += model.getPixelStride()) {
        rgb[at++] = samples[from + red];
        rgb[at++] = samples[from + green];
        rgb[at++] = samples[from + blue];
      }
    }
    return true;
  }

  /** Grey of more than 8 bits is clipped, and a fraction cut off; it is not scaled. */
  private static void fromDeepGrey(Raster raster, byte[] rgb) {
    int width = raster.getWidth();
    double[] row = new double[width];
    int at = 0;
    for (int y = 0; y < raster.getHeight(); y++) {
      raster.getSamples(raster.getMinX(), raster.getMinY() + y, width, 1, 0, row);
      for (double sample : row) {
        byte level = (byte) Math.clamp((long) sample, 0, 255);
        rgb[at++] = level;
        rgb[at++] = level;
        rgb[at++] = level;
      }
    }
  }

  private static void fromInk(Raster raster, byte[] rgb, Scale[] scales) {
    int width = raster.getWidth();
    int[] row = new int[width * 4];
    int at = 0;
    for (int y = 0; y < raster.getHeight(); y++) {
      raster.getPixels(raster.getMinX(), raster.getMinY() + y, width, 1, row);
      for (int i = 0; i < row.length; i += 4, at += 3) {
        inkToRgb(
            scales[0].apply(row[i]),
            scales[1].apply(row[i + 1]),
            scales[2].apply(row[i + 2]),
            scales[3].apply(row[i + 3]),
            rgb,
            at);
      }
    }
  }

  private static void fromSamples(
      Raster raster, byte[] rgb, Scale[] scales, boolean premultiplied) {
    int width = raster.getWidth();
    int bands = raster.getNumBands();
    int[] row = new int[width * bands];
    int at = 0;
    for (int y = 0; y < raster.getHeight(); y++) {
      raster.getPixels(raster.getMinX(), raster.getMinY() + y, width, 1, row);
      for (int i = 0; i < row.length; i += bands) {
        int alpha = premultiplied ? scales[bands - 1].apply(row[i + bands - 1]) : 255;
        for (int c = 0; c < 3; c++) {
          int band = bands >= 3 ? c : 0;
          int level = scales[band].apply(row[i + band]);
          if (alpha != 255 && alpha != 0) {
            level = Math.min(255 * level / alpha, 255);
          }
          rgb[at++] = (byte) level;
        }
      }
    }
  }

  /** From a sample of some number of bits to 8. */
  private record Scale(int bits) {
    int apply(int sample) {
      if (bits == 8) {
        return sample;
      }
      return bits > 8 ? sample >>> (bits - 8) : sample * 255 / ((1 << bits) - 1);
    }
  }

  private static Scale[] scales(Raster raster, ColorModel colours) {
    int type = raster.getTransferType();
    if (type == DataBuffer.TYPE_FLOAT
        || type == DataBuffer.TYPE_DOUBLE
        || type == DataBuffer.TYPE_SHORT) {
      throw new UnreadableImageException("its colour samples are not unsigned integers");
    }
    Scale[] scales = new Scale[raster.getNumBands()];
    for (int band = 0; band < scales.length; band++) {
      scales[band] = new Scale(colours.getComponentSize(band));
    }
    return scales;
  }
}
