package io.github.vlm4j.vision.image;

import java.awt.image.BufferedImage;
import java.awt.image.IndexColorModel;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteOrder;

/**
 * The first frame of a GIF (GIF89a specification). The frame may cover only a part of the logical
 * screen; the rest shows the transparent colour, or the palette's first if there is none, as in
 * Pillow.
 */
record GifFile(
    Dimensions size,
    int left,
    int top,
    Dimensions frame,
    int transparent,
    Bytes firstFrame,
    int dataBytes)
    implements EncodedImage {

  private static final int SCREEN_END = 13;
  private static final int EXTENSION = 0x21;
  private static final int GRAPHIC_CONTROL = 0xf9;
  private static final int IMAGE = 0x2c;
  private static final int TRAILER = 0x3b;
  private static final int DESCRIPTOR_BYTES = 10;

  /** The longest string one 12-bit LZW code stands for, in bytes per byte of data. */
  private static final int MAX_LZW_RATIO = 4096;

  static GifFile parse(Bytes file) {
    int at = SCREEN_END + tableBytes(file.u8(10));
    ByteArrayOutputStream kept = new ByteArrayOutputStream(file.length());
    kept.writeBytes(file.slice(0, at).toArray());
    int transparent = -1;
    while (true) {
      int block = file.u8(at);
      if (block == EXTENSION) {
        if (file.u8(at + 1L) == GRAPHIC_CONTROL && (file.u8(at + 3L) & 1) != 0) {
          transparent = file.u8(at + 6L);
        }
        at = endOfBlocks(file, at + 2);
      } else if (block == IMAGE) {
        break;
      } else if (block == TRAILER) {
        throw new UnreadableImageException("it is a GIF without a frame");
      } else {
        at++;
      }
    }
    int left = file.u16(at + 1L, ByteOrder.LITTLE_ENDIAN);
    int top = file.u16(at + 3L, ByteOrder.LITTLE_ENDIAN);
    Dimensions frame =
        new Dimensions(
            file.u16(at + 5L, ByteOrder.LITTLE_ENDIAN), file.u16(at + 7L, ByteOrder.LITTLE_ENDIAN));
    int flags = file.u8(at + 9L);
    int data = at + DESCRIPTOR_BYTES + tableBytes(flags);
    int end = endOfBlocks(file, data + 1);
    kept.writeBytes(file.slice(at, end - at).toArray());
    kept.write(TRAILER);
    Dimensions canvas =
        new Dimensions(
            Math.max(file.u16(6, ByteOrder.LITTLE_ENDIAN), left + frame.width()),
            Math.max(file.u16(8, ByteOrder.LITTLE_ENDIAN), top + frame.height()));
    return new GifFile(
        canvas, left, top, frame, transparent, Bytes.of(kept.toByteArray()), end - data);
  }

  @Override
  public String format() {
    return "GIF";
  }

  @Override
  public Orientation orientation() {
    return Orientation.UPRIGHT;
  }

  @Override
  public DecodedPixels decode() throws IOException {
    if (frame.pixels() == 0 || frame.pixels() > (long) MAX_LZW_RATIO * dataBytes) {
      throw new UnreadableImageException(
          "%d bytes of GIF data cannot hold a frame of %s pixels".formatted(dataBytes, frame));
    }
    BufferedImage picture = PluginReader.read("gif", firstFrame, frame);
    DecodedPixels decoded = SampleConverter.convert(picture.getRaster(), picture.getColorModel());
    boolean ramp =
        picture.getColorModel() instanceof IndexColorModel palette
            && SampleConverter.isGreyRamp(palette);
    StoredMode mode = ramp ? StoredMode.RGB : decoded.mode();
    if (frame.equals(size)) {
      return decoded.as(mode);
    }
    byte[] part = decoded.rgb();
    byte[] canvas = new byte[Math.toIntExact(3 * size.pixels())];
    if (picture.getColorModel() instanceof IndexColorModel palette) {
      int index = Math.max(transparent, 0);
      int colour = index < palette.getMapSize() ? palette.getRGB(index) : 0;
      for (int i = 0; i < canvas.length; i += 3) {
        canvas[i] = (byte) (colour >> 16);
        canvas[i + 1] = (byte) (colour >> 8);
        canvas[i + 2] = (byte) colour;
      }
    }
    for (int y = 0; y < frame.height(); y++) {
      System.arraycopy(
          part,
          3 * y * frame.width(),
          canvas,
          3 * ((top + y) * size.width() + left),
          3 * frame.width());
    }
    return new DecodedPixels(canvas, mode, decoded.samples());
  }

  private static int tableBytes(int flags) {
    return (flags & 0x80) == 0 ? 0 : 3 * (2 << (flags & 7));
  }

  /** The position after a chain of sub-blocks. */
  private static int endOfBlocks(Bytes file, int at) {
    while (file.u8(at) != 0) {
      at += 1 + file.u8(at);
    }
    return at + 1;
  }
}
