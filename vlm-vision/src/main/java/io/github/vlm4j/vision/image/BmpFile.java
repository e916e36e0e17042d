package io.github.vlm4j.vision.image;

import java.awt.image.BufferedImage;
import java.awt.image.IndexColorModel;
import java.io.IOException;
import java.nio.ByteOrder;

/** Windows bitmap, decoded by the JDK's reader. */
record BmpFile(Dimensions size, Bytes file) implements EncodedImage {

  private static final int CORE_HEADER_BYTES = 12;
  private static final int UNCOMPRESSED = 0;
  private static final int BITFIELDS = 3;

  static BmpFile parse(Bytes file) {
    long headerBytes = file.u32(14, ByteOrder.LITTLE_ENDIAN);
    if (headerBytes == CORE_HEADER_BYTES) {
      return new BmpFile(
          new Dimensions(
              file.u16(18, ByteOrder.LITTLE_ENDIAN), file.u16(20, ByteOrder.LITTLE_ENDIAN)),
          file);
    }
    int width = (int) file.u32(18, ByteOrder.LITTLE_ENDIAN);
    // A negative height marks rows that run from top to bottom.
    int height = Math.abs((int) file.u32(22, ByteOrder.LITTLE_ENDIAN));
    long compression = file.u32(30, ByteOrder.LITTLE_ENDIAN);
    if (compression == UNCOMPRESSED || compression == BITFIELDS) {
      long bits = file.u16(28, ByteOrder.LITTLE_ENDIAN);
      long row = (Math.max(width, 0) * bits + 31) / 32 * 4;
      if (row > 0
          && Math.max(height, 0) > (file.length() - file.u32(10, ByteOrder.LITTLE_ENDIAN)) / row) {
        throw new UnreadableImageException(
            "%d bytes of BMP cannot hold %d×%d pixels".formatted(file.length(), width, height));
      }
    }
    return new BmpFile(new Dimensions(width, height), file);
  }

  @Override
  public String format() {
    return "BMP";
  }

  @Override
  public Orientation orientation() {
    return Orientation.UPRIGHT;
  }

  @Override
  public DecodedPixels decode() throws IOException {
    BufferedImage picture = PluginReader.read("bmp", file, size);
    DecodedPixels pixels = SampleConverter.convert(picture.getRaster(), picture.getColorModel());
    boolean ramp =
        picture.getColorModel() instanceof IndexColorModel palette
            && palette.getMapSize() != 2
            && SampleConverter.isGreyRamp(palette);
    return ramp ? pixels.as(StoredMode.RGB) : pixels;
  }
}
