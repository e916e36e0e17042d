package io.github.vlm4j.vision.image;

import java.io.IOException;
import java.nio.ByteOrder;

/**
 * The first frame of a WebP file (RFC 9649). A frame that covers only a part of the canvas leaves
 * the rest black and transparent.
 */
record WebpFile(Dimensions size, Orientation orientation, Frame frame) implements EncodedImage {

  private static final int FILE_HEADER_BYTES = 12;
  private static final int CHUNK_HEADER_BYTES = 8;
  private static final int FRAME_HEADER_BYTES = 16;

  /**
   * A coded picture and its place on the canvas.
   *
   * @param alpha the data of its alpha plane, empty if it has none
   */
  record Frame(int left, int top, Dimensions size, boolean lossless, Bytes data, Bytes alpha) {}

  static WebpFile parse(Bytes file) {
    Frame first = null;
    Dimensions canvas = null;
    Bytes alpha = Bytes.EMPTY;
    Bytes exif = Bytes.EMPTY;
    Bytes xmp = Bytes.EMPTY;
    long at = FILE_HEADER_BYTES;
    while (at <= file.length() - CHUNK_HEADER_BYTES) {
      Bytes chunk = chunk(file, at);
      switch (file.ascii(at, 4)) {
        case "VP8X" -> canvas = new Dimensions(chunk.u24(4) + 1, chunk.u24(7) + 1);
        case "ALPH" -> alpha = chunk;
        case "VP8 ", "VP8L" -> first = first == null ? coded(file, at, 0, 0, alpha) : first;
        case "ANMF" -> first = first == null ? animated(chunk) : first;
        case "EXIF" -> exif = chunk;
        case "XMP " -> xmp = chunk;
        default -> {
          // Profiles and the animation's parameters do not bear on the first frame's pixels.
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
  public DecodedPixels decode() throws IOException {
    DecodedPixels part =
        frame.lossless() ? WebpLossless.decode(frame.data(), frame.size()) : decodeLossy();
    if (frame.size().equals(size)) {
      return part;
    }
    return new DecodedPixels(
        onCanvas(part.rgb(), 3),
        part.mode(),
        onCanvas(part.samples(), part.mode().bytesPerPixel()));
  }

  private DecodedPixels decodeLossy() throws IOException {
    byte[] rgb = Vp8Decoder.decodeRgb(frame.data());
    return frame.alpha().length() == 0
        ? DecodedPixels.opaque(rgb)
        : new DecodedPixels(rgb, StoredMode.ALPHA, WebpAlpha.decode(frame.alpha(), frame.size()));
  }

  private byte[] onCanvas(byte[] part, int bytesPerPixel) {
    byte[] canvas = new byte[Math.toIntExact(bytesPerPixel * size.pixels())];
    int row = bytesPerPixel * frame.size().width();
    for (int y = 0; y < frame.size().height() && row > 0; y++) {
      int to = bytesPerPixel * ((frame.top() + y) * size.width() + frame.left());
      System.arraycopy(part, y * row, canvas, to, row);
    }
    return canvas;
  }

  private static Bytes chunk(Bytes file, long at) {
    return file.slice(at + CHUNK_HEADER_BYTES, file.u32(at + 4, ByteOrder.LITTLE_ENDIAN));
  }

  private static Frame animated(Bytes chunk) {
    long at = FRAME_HEADER_BYTES;
    Bytes alpha = Bytes.EMPTY;
    while (at <= chunk.length() - CHUNK_HEADER_BYTES) {
      Bytes inner = chunk(chunk, at);
      if (chunk.startsWith(at, "ALPH")) {
        alpha = inner;
      }
      if (chunk.startsWith(at, "VP8 ") || chunk.startsWith(at, "VP8L")) {
        return coded(chunk, at, 2 * chunk.u24(0), 2 * chunk.u24(3), alpha);
      }
      at += CHUNK_HEADER_BYTES + inner.length() + (inner.length() & 1);
    }
    throw new UnreadableImageException("its first animation frame has no picture");
  }

  private static Frame coded(Bytes file, long at, int left, int top, Bytes alpha) {
    Bytes data = chunk(file, at);
    boolean lossless = file.startsWith(at, "VP8L");
    Dimensions size = lossless ? WebpLossless.size(data) : Vp8Decoder.size(data);
    return new Frame(left, top, size, lossless, data, alpha);
  }
}
