package io.github.vlm4j.vision.image;

import com.twelvemonkeys.imageio.plugins.webp.WebPImageReaderSpi;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * The first frame of a WebP file (RFC 9649). Lossless data goes to TwelveMonkeys, lossy data to
 * {@link Vp8Decoder}. A frame that covers only a part of the canvas leaves the rest black; the
 * alpha plane is not even decoded, as transparency is dropped.
 */
record WebpFile(Dimensions size, Orientation orientation, Frame frame) implements EncodedImage {

  private static final int FILE_HEADER_BYTES = 12;
  private static final int CHUNK_HEADER_BYTES = 8;
  private static final int FRAME_HEADER_BYTES = 16;
  private static final int LOSSLESS_SIGNATURE = 0x2f;

  /** A coded picture and its place on the canvas. */
  record Frame(int left, int top, Dimensions size, boolean lossless, Bytes data) {}

  static WebpFile parse(Bytes file) {
    Frame first = null;
    Dimensions canvas = null;
    Bytes exif = Bytes.EMPTY;
    Bytes xmp = Bytes.EMPTY;
    long at = FILE_HEADER_BYTES;
    while (at <= file.length() - CHUNK_HEADER_BYTES) {
      Bytes chunk = chunk(file, at);
      switch (file.ascii(at, 4)) {
        case "VP8X" -> canvas = new Dimensions(chunk.u24(4) + 1, chunk.u24(7) + 1);
        case "VP8 ", "VP8L" -> first = first == null ? coded(file, at, 0, 0) : first;
        case "ANMF" -> first = first == null ? animated(chunk) : first;
        case "EXIF" -> exif = chunk;
        case "XMP " -> xmp = chunk;
        default -> {
          // Alpha, profiles and the animation's parameters do not bear on the RGB of the first
          // frame.
        }
      }
      at += CHUNK_HEADER_BYTES + chunk.length() + (chunk.length() & 1);
    }
    if (first == null) {
      throw new UnreadableImageException("it is a WebP file without a picture");
    }
    if (exif.startsWith(0, "Exif\0\0")) {
      exif = exif.slice(6, exif.length() - 6L);
    }
    Dimensions size = canvas == null ? first.size() : canvas;
    if (first.left() + first.size().width() > size.width()
        || first.top() + first.size().height() > size.height()) {
      throw new UnreadableImageException("its first frame lies outside its canvas of " + size);
    }
    return new WebpFile(size, Orientation.of(exif, xmp), first);
  }

  @Override
  public String format() {
    return "WebP";
  }

  @Override
  public byte[] decodeRgb() throws IOException {
    byte[] part = frame.lossless() ? decodeLossless() : Vp8Decoder.decodeRgb(frame.data());
    if (frame.size().equals(size)) {
      return part;
    }
    byte[] canvas = new byte[Math.toIntExact(3 * size.pixels())];
    int row = 3 * frame.size().width();
    for (int y = 0; y < frame.size().height(); y++) {
      int to = 3 * ((frame.top() + y) * size.width() + frame.left());
      System.arraycopy(part, y * row, canvas, to, row);
    }
    return canvas;
  }

  /**
   * Wraps the frame's data into the simplest file around it, which leaves metadata and profiles
   * out.
   */
  private byte[] decodeLossless() throws IOException {
    Bytes data = frame.data();
    int padded = data.length() + (data.length() & 1);
    ByteArrayOutputStream file = new ByteArrayOutputStream(padded + 20);
    file.writeBytes("RIFF".getBytes(StandardCharsets.US_ASCII));
    writeLength(file, padded + 12);
    file.writeBytes("WEBPVP8L".getBytes(StandardCharsets.US_ASCII));
    writeLength(file, data.length());
    file.write(data.array(), data.start(), data.length());
    file.write(new byte[padded - data.length()], 0, padded - data.length());
    BufferedImage picture =
        PluginReader.read(
            new WebPImageReaderSpi().createReaderInstance(null),
            Bytes.of(file.toByteArray()),
            frame.size());
    return SampleConverter.toRgb(picture.getRaster(), picture.getColorModel());
  }

  private static void writeLength(ByteArrayOutputStream file, int length) {
    for (int shift = 0; shift < 32; shift += 8) {
      file.write(length >>> shift);
    }
  }

  private static Bytes chunk(Bytes file, long at) {
    return file.slice(at + CHUNK_HEADER_BYTES, file.u32(at + 4, ByteOrder.LITTLE_ENDIAN));
  }

  private static Frame animated(Bytes chunk) {
    long at = FRAME_HEADER_BYTES;
    while (at <= chunk.length() - CHUNK_HEADER_BYTES) {
      Bytes inner = chunk(chunk, at);
      if (chunk.startsWith(at, "VP8 ") || chunk.startsWith(at, "VP8L")) {
        return coded(chunk, at, 2 * chunk.u24(0), 2 * chunk.u24(3));
      }
      at += CHUNK_HEADER_BYTES + inner.length() + (inner.length() & 1);
    }
    throw new UnreadableImageException("its first animation frame has no picture");
  }

  private static Frame coded(Bytes file, long at, int left, int top) {
    Bytes data = chunk(file, at);
    if (file.startsWith(at, "VP8 ")) {
      return new Frame(left, top, Vp8Decoder.size(data), false, data);
    }
    if (data.u8(0) != LOSSLESS_SIGNATURE) {
      throw new UnreadableImageException("its lossless WebP data has no signature");
    }
    long sizes = data.u32(1, ByteOrder.LITTLE_ENDIAN);
    Dimensions size =
        new Dimensions((int) (sizes & 0x3fff) + 1, (int) ((sizes >> 14) & 0x3fff) + 1);
    return new Frame(left, top, size, true, data);
  }
}
