package io.github.vlm4j.vision.image;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteOrder;

/**
 * PNG (W3C, third edition). The JDK's reader decodes; it sees only the chunks that carry pixels, so
 * that nothing else in the file can change or stop it.
 */
record PngFile(
    Dimensions size,
    Orientation orientation,
    Bytes stripped,
    long dataBytes,
    boolean palette,
    int bitsPerPixel)
    implements EncodedImage {

  private static final int SIGNATURE_BYTES = 8;
  private static final int PALETTE = 3;
  private static final String XMP = "XML:com.adobe.xmp\0";

  /** Deflate shortens by a factor of at most 1032 (RFC 1951: 258 bytes in two bits). */
  private static final int MAX_DEFLATE_RATIO = 1032;

  static PngFile parse(Bytes file) {
    ByteArrayOutputStream kept = new ByteArrayOutputStream(file.length());
    kept.write(file.array(), file.start(), SIGNATURE_BYTES);
    Bytes header = file.slice(SIGNATURE_BYTES + 8L, 13);
    Bytes exif = Bytes.EMPTY;
    Bytes xmp = Bytes.EMPTY;
    long dataBytes = 0;
    long at = SIGNATURE_BYTES;
    if (!file.startsWith(at + 4, "IHDR")) {
      throw new UnreadableImageException("it does not begin with a PNG header");
    }
    while (at < file.length()) {
      long length = file.u32(at, ByteOrder.BIG_ENDIAN);
      String type = file.ascii(at + 4, 4);
      if (type.equals("IEND")) {
        break;
      }
      Bytes data = file.slice(at + 8, length);
      switch (type) {
        case "IHDR", "PLTE", "IDAT" ->
            kept.write(
                file.array(),
                (int) (file.start() + at),
                (int) Math.min(length + 12, file.length() - at));
        case "eXIf" -> exif = data;
        case "iTXt" -> xmp = data.startsWith(0, XMP) ? data : xmp;
        default -> {
          // Text, times, profiles and animation frames do not bear on the still picture, nor does
          // a transparent colour on its RGB.
        }
      }
      dataBytes += type.equals("IDAT") ? length : 0;
      at += length + 12;
    }
    if (dataBytes == 0) {
      throw new UnreadableImageException("it is a PNG without a picture");
    }
    kept.writeBytes(
        new byte[] {0, 0, 0, 0, 'I', 'E', 'N', 'D', (byte) 0xae, 0x42, 0x60, (byte) 0x82});
    long width = header.u32(0, ByteOrder.BIG_ENDIAN);
    long height = header.u32(4, ByteOrder.BIG_ENDIAN);
    if (width > Integer.MAX_VALUE || height > Integer.MAX_VALUE) {
      throw new UnreadableImageException(
          "its PNG header says %d×%d pixels".formatted(width, height));
    }
    int samples =
        switch (header.u8(9)) {
          case 2 -> 3;
          case 4 -> 2;
          case 6 -> 4;
          default -> 1;
        };
    return new PngFile(
        new Dimensions((int) width, (int) height),
        Orientation.of(exif, xmp),
        Bytes.of(kept.toByteArray()),
        dataBytes,
        header.u8(9) == PALETTE,
        samples * header.u8(8));
  }

  @Override
  public String format() {
    return "PNG";
  }

  @Override
  public DecodedPixels decode() throws IOException {
    if (size.pixels() * bitsPerPixel / 8 > MAX_DEFLATE_RATIO * dataBytes) {
      throw new UnreadableImageException(
          "%d bytes of PNG data cannot hold %s pixels".formatted(dataBytes, size));
    }
    BufferedImage picture = PluginReader.read("png", stripped, size);
    DecodedPixels pixels = SampleConverter.convert(picture.getRaster(), picture.getColorModel());
    // The JDK makes palettes of all grey of fewer than 8 bits.
    return pixels.mode() == StoredMode.PALETTE && !palette && bitsPerPixel > 1
        ? pixels.as(StoredMode.RGB)
        : pixels;
  }
}
