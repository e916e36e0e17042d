package io.github.vlm4j.vision.image;

import java.awt.color.ColorSpace;
import java.awt.image.ColorModel;
import java.awt.image.ComponentSampleModel;
import java.awt.image.DataBuffer;
import java.awt.image.DataBufferByte;
import java.awt.image.IndexColorModel;
import java.awt.image.Raster;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Turns stored samples into RGB by Pillow's {@code convert("RGB")} rules, which know no colour
 * management: `src/libImaging/Convert.c` and `Unpack.c` of Pillow 12.
 */
final class SampleConverter {

  private SampleConverter() {}

  static DecodedPixels convert(Raster raster, ColorModel colours) {
    int pixels = raster.getWidth() * raster.getHeight();
    if (colours instanceof IndexColorModel palette) {
      byte[] rgb = new byte[3 * pixels];
      fromPalette(raster, palette, rgb);
      return DecodedPixels.opaque(rgb).as(StoredMode.PALETTE);
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
      return deepGrey(raster);
    }
    if (ink) {
      return DecodedPixels.ofSamples(StoredMode.CMYK, ink(raster, scales(raster, colours)));
    }
    byte[] rgb = new byte[3 * pixels];
    boolean transparent = colours.hasAlpha() && (bands == 2 || bands == 4);
    byte[] alpha = new byte[transparent ? pixels : 0];
    boolean premultiplied = transparent && colours.isAlphaPremultiplied();
    if (premultiplied || !copyBytes(raster, rgb, alpha)) {
      fromSamples(raster, rgb, alpha, scales(raster, colours), premultiplied);
    }
    return new DecodedPixels(rgb, transparent ? StoredMode.ALPHA : StoredMode.RGB, alpha);
  }

  /** Whether every index stands for the grey of its own level, so that it needs no palette. */
  static boolean isGreyRamp(IndexColorModel palette) {
    for (int i = 0; i < palette.getMapSize(); i++) {
      if ((palette.getRGB(i) & 0xffffff) != i * 0x010101) {
        return false;
      }
    }
    return true;
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
  private static boolean copyBytes(Raster raster, byte[] rgb, byte[] alpha) {
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
    if (alpha.length > 0) {
      int last = bandOffsets[bands - 1];
      at = 0;
      for (int y = 0; y < raster.getHeight(); y++) {
        int from = origin + y * model.getScanlineStride();
        for (int x = 0; x < raster.getWidth(); x++, from += model.getPixelStride()) {
          alpha[at++] = samples[from + last];
        }
      }
    }
    return true;
  }

  private static DecodedPixels deepGrey(Raster raster) {
    int width = raster.getWidth();
    StoredMode mode =
        switch (raster.getTransferType()) {
          case DataBuffer.TYPE_USHORT -> StoredMode.GREY_16;
          case DataBuffer.TYPE_FLOAT, DataBuffer.TYPE_DOUBLE -> StoredMode.GREY_FLOAT;
          default -> StoredMode.GREY_32;
        };
    ByteBuffer samples =
        ByteBuffer.allocate(4 * width * raster.getHeight()).order(ByteOrder.LITTLE_ENDIAN);
    double[] row = new double[width];
    for (int y = 0; y < raster.getHeight(); y++) {
      raster.getSamples(raster.getMinX(), raster.getMinY() + y, width, 1, 0, row);
      for (double sample : row) {
        if (mode == StoredMode.GREY_FLOAT) {
          samples.putFloat((float) sample);
        } else {
          samples.putInt((int) sample);
        }
      }
    }
    return DecodedPixels.ofSamples(mode, samples.array());
  }

  private static byte[] ink(Raster raster, Scale[] scales) {
    int width = raster.getWidth();
    int[] row = new int[width * 4];
    byte[] ink = new byte[row.length * raster.getHeight()];
    int at = 0;
    for (int y = 0; y < raster.getHeight(); y++) {
      raster.getPixels(raster.getMinX(), raster.getMinY() + y, width, 1, row);
      for (int i = 0; i < row.length; i++) {
        ink[at++] = (byte) scales[i & 3].apply(row[i]);
      }
    }
    return ink;
  }

  private static void fromSamples(
      Raster raster, byte[] rgb, byte[] transparency, Scale[] scales, boolean premultiplied) {
    int width = raster.getWidth();
    int bands = raster.getNumBands();
    int[] row = new int[width * bands];
    int at = 0;
    for (int y = 0; y < raster.getHeight(); y++) {
      raster.getPixels(raster.getMinX(), raster.getMinY() + y, width, 1, row);
      for (int i = 0; i < row.length; i += bands) {
        int opacity = transparency.length > 0 ? scales[bands - 1].apply(row[i + bands - 1]) : 255;
        if (transparency.length > 0) {
          transparency[at / 3] = (byte) opacity;
        }
        int alpha = premultiplied ? opacity : 255;
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
