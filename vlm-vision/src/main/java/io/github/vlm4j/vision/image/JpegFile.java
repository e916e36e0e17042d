package io.github.vlm4j.vision.image;

import java.awt.image.DataBufferByte;
import java.awt.image.PixelInterleavedSampleModel;
import java.awt.image.Raster;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * JPEG (ITU-T T.81). The JDK's reader, which is the Independent JPEG Group's library, decodes and
 * upsamples; it sees only the segments it needs for that, since it rejects pictures over harmless
 * faults in their metadata. Colour is converted here, by the rules of the same library's {@code
 * jdapimin.c} and {@code jdcolor.c}, as the JDK would apply colour profiles.
 */
record JpegFile(
    Dimensions size, Orientation orientation, Colour colour, Bytes stripped, int scanBytes)
    implements EncodedImage {

  /** What the components mean. */
  private enum Colour {
    GREY(1),
    YCBCR(3),
    RGB(3),
    CMYK(4),
    YCCK(4);

    final int components;

    Colour(int components) {
      this.components = components;
    }
  }

  private static final int TEM = 0x01;
  private static final int SOF0 = 0xc0;
  private static final int SOF2 = 0xc2;
  private static final int DHT = 0xc4;
  private static final int DAC = 0xcc;
  private static final int SOF15 = 0xcf;
  private static final int RST0 = 0xd0;
  private static final int RST7 = 0xd7;
  private static final int SOI = 0xd8;
  private static final int EOI = 0xd9;
  private static final int SOS = 0xda;
  private static final int APP0 = 0xe0;
  private static final int APP1 = 0xe1;
  private static final int APP14 = 0xee;
  private static final int APP15 = 0xef;
  private static final int COM = 0xfe;

  private static final String EXIF = "Exif\0\0";
  private static final String XMP = "http://ns.adobe.com/xap/1.0/\0";

  /**
   * Even a progressive, subsampled picture of one colour takes more than a byte for so many pixels.
   */
  private static final int MAX_PIXELS_PER_BYTE = 1024;

  static JpegFile parse(Bytes file) {
    ByteArrayOutputStream kept = new ByteArrayOutputStream(file.length());
    kept.write(0xff);
    kept.write(SOI);
    Bytes frame = null;
    Bytes exif = Bytes.EMPTY;
    Bytes xmp = Bytes.EMPTY;
    boolean jfif = false;
    int adobeTransform = -1;
    int scanBytes = 0;
    int at = 2;
    while (true) {
      int marker = file.u8(at) == 0xff ? file.u8(at + 1L) : -1;
      if (marker == 0xff || marker < 0) {
        at++;
        continue;
      }
      at += 2;
      if (marker == EOI) {
        break;
      }
      if (marker == 0 || marker == TEM || marker == SOI || (marker >= RST0 && marker <= RST7)) {
        continue;
      }
      int length = file.u16(at, ByteOrder.BIG_ENDIAN);
      Bytes segment = file.slice(at + 2L, length - 2L);
      boolean application = marker >= APP0 && marker <= APP15;
      if (!application && marker != COM) {
        kept.write(0xff);
        kept.write(marker);
        kept.write(file.array(), file.start() + at, length);
      }
      at += length;
      if (marker == APP0 && segment.startsWith(0, "JFIF\0") && segment.length() >= 14) {
        jfif = true;
      } else if (marker == APP14 && segment.startsWith(0, "Adobe") && segment.length() >= 12) {
        adobeTransform = segment.u8(11);
      } else if (marker == APP1 && exif.length() == 0 && segment.startsWith(0, EXIF)) {
        exif = segment.slice(EXIF.length(), segment.length() - EXIF.length());
      } else if (marker == APP1 && xmp.length() == 0 && segment.startsWith(0, XMP)) {
        xmp = segment.slice(XMP.length(), segment.length() - XMP.length());
      } else if (marker >= SOF0
          && marker <= SOF15
          && marker != DHT
          && marker != 0xc8
          && marker != DAC) {
        frame = checkFrame(marker, segment, frame);
      } else if (marker == SOS) {
        int end = endOfScan(file, at);
        kept.write(file.array(), file.start() + at, end - at);
        scanBytes += end - at;
        at = end;
      }
    }
    if (frame == null || scanBytes == 0) {
      throw new UnreadableImageException("it is a JPEG without a picture");
    }
    kept.write(0xff);
    kept.write(EOI);
    return new JpegFile(
        new Dimensions(frame.u16(3, ByteOrder.BIG_ENDIAN), frame.u16(1, ByteOrder.BIG_ENDIAN)),
        Orientation.of(exif, xmp),
        colour(frame, jfif, adobeTransform),
        Bytes.of(kept.toByteArray()),
        scanBytes);
  }

  @Override
  public String format() {
    return "JPEG";
  }

  @Override
  public DecodedPixels decode() throws IOException {
    if (size.pixels() > (long) MAX_PIXELS_PER_BYTE * scanBytes) {
      throw new UnreadableImageException(
          "%d bytes of JPEG data cannot hold %s pixels".formatted(scanBytes, size));
    }
    Raster raster = PluginReader.readRaster("jpeg", stripped, size);
    if (raster.getNumBands() != colour.components
        || !(raster.getDataBuffer() instanceof DataBufferByte buffer)
        || !(raster.getSampleModel() instanceof PixelInterleavedSampleModel model)
        || model.getPixelStride() != colour.components
        || !isIdentity(model.getBandOffsets())) {
      throw new UnreadableImageException("its JPEG frame has an unexpected layout");
    }
    return convert(buffer.getData());
  }

  private static boolean isIdentity(int[] bandOffsets) {
    for (int i = 0; i < bandOffsets.length; i++) {
      if (bandOffsets[i] != i) {
        return false;
      }
    }
    return true;
  }

  private static Bytes checkFrame(int marker, Bytes segment, @Nullable Bytes previous) {
    if (marker > SOF2) {
      throw new UnreadableImageException(
          "its JPEG coding (SOF%d: lossless, hierarchical or arithmetic) is not supported"
              .formatted(marker - SOF0));
    }
    if (previous != null) {
      throw new UnreadableImageException("it has two JPEG frames");
    }
    if (segment.u8(0) != 8) {
      throw new UnreadableImageException(
          "its JPEG samples have %d bits, expected 8".formatted(segment.u8(0)));
    }
    return segment;
  }

  private static int endOfScan(Bytes file, int start) {
    byte[] array = file.array();
    int end = file.start() + file.length() - 1;
    for (int i = file.start() + start; i < end; i++) {
      if (array[i] == (byte) 0xff) {
        int next = array[i + 1] & 0xff;
        if (next != 0 && next != 0xff && (next < RST0 || next > RST7)) {
          return i - file.start();
        }
      }
    }
    throw new UnreadableImageException("it ends within the JPEG data, at byte " + file.length());
  }

  private static Colour colour(Bytes frame, boolean jfif, int adobeTransform) {
    int components = frame.u8(5);
    return switch (components) {
      case 1 -> Colour.GREY;
      case 3 -> {
        if (jfif) {
          yield Colour.YCBCR;
        }
        if (adobeTransform >= 0) {
          yield adobeTransform == 0 ? Colour.RGB : Colour.YCBCR;
        }
        boolean named = frame.u8(6) == 'R' && frame.u8(9) == 'G' && frame.u8(12) == 'B';
        yield named ? Colour.RGB : Colour.YCBCR;
      }
      case 4 -> adobeTransform > 0 ? Colour.YCCK : Colour.CMYK;
      default ->
          throw new UnreadableImageException(
              "its JPEG frame has %d components, expected 1, 3 or 4".formatted(components));
    };
  }

  private DecodedPixels convert(byte[] samples) {
    int pixels = (int) size.pixels();
    if (samples.length != colour.components * pixels) {
      samples = Arrays.copyOf(samples, colour.components * pixels);
    }
    return switch (colour) {
      case RGB -> DecodedPixels.opaque(samples);
      case GREY -> {
        byte[] rgb = new byte[3 * pixels];
        for (int i = 0, at = 0; i < pixels; i++, at += 3) {
          rgb[at] = samples[i];
          rgb[at + 1] = samples[i];
          rgb[at + 2] = samples[i];
        }
        yield DecodedPixels.opaque(rgb);
      }
      case YCBCR -> {
        for (int at = 0; at < 3 * pixels; at += 3) {
          chromaToRgb(samples, at, samples, at);
        }
        yield DecodedPixels.opaque(samples);
      }
      case CMYK -> {
        for (int i = 0; i < 4 * pixels; i++) {
          // Every writer of CMYK JPEG follows Adobe, who store 255 for no ink.
          samples[i] = (byte) ~samples[i];
        }
        yield DecodedPixels.ofSamples(StoredMode.CMYK, samples);
      }
      case YCCK -> {
        for (int i = 0; i < 4 * pixels; i += 4) {
          chromaToRgb(samples, i, samples, i);
          samples[i + 3] = (byte) ~samples[i + 3];
        }
        yield DecodedPixels.ofSamples(StoredMode.CMYK, samples);
      }
    };
  }

  /** JFIF's conversion (ITU-R BT.601, full range) in the library's 16-bit fixed point. */
  private static void chromaToRgb(byte[] ycc, int from, byte[] rgb, int to) {
    int luma = ycc[from] & 0xff;
    int blueness = (ycc[from + 1] & 0xff) - 128;
    int redness = (ycc[from + 2] & 0xff) - 128;
    int red = luma + ((91881 * redness + 32768) >> 16);
    int green = luma + ((-22554 * blueness - 46802 * redness + 32768) >> 16);
    int blue = luma + ((116130 * blueness + 32768) >> 16);
    rgb[to] = (byte) Math.min(Math.max(red, 0), 255);
    rgb[to + 1] = (byte) Math.min(Math.max(green, 0), 255);
    rgb[to + 2] = (byte) Math.min(Math.max(blue, 0), 255);
  }
}
