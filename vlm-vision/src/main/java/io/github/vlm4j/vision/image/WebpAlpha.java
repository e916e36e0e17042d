package io.github.vlm4j.vision.image;

import java.io.IOException;

/** The alpha plane beside a lossy WebP frame: the ALPH chunk (RFC 9649, section 2.7.1.2). */
final class WebpAlpha {

  private static final int HEADER_BYTES = 1;
  private static final int LOSSLESS = 1;
  private static final int HORIZONTAL = 1;
  private static final int VERTICAL = 2;
  private static final int GRADIENT = 3;

  private WebpAlpha() {}

  /**
   * Decodes the plane.
   *
   * @param chunk the chunk's data
   * @param size the frame's size
   * @return `[height, width]`
   */
  static byte[] decode(Bytes chunk, Dimensions size) throws IOException {
    int header = chunk.u8(0);
    Bytes data = chunk.slice(HEADER_BYTES, chunk.length() - (long) HEADER_BYTES);
    byte[] plane =
        (header & 3) == LOSSLESS
            ? greens(WebpLossless.decode(withHeader(data, size), size))
            : data.slice(0, size.pixels()).toArray();
    unfilter(plane, size, (header >> 2) & 3);
    return plane;
  }

  /** The chunk holds the lossless format without its header; the plane is the colour green. */
  private static Bytes withHeader(Bytes data, Dimensions size) {
    int sizes = (size.width() - 1) | (size.height() - 1) << 14;
    byte[] image = new byte[WebpLossless.HEADER_BYTES + data.length()];
    image[0] = WebpLossless.SIGNATURE;
    for (int i = 0; i < Integer.BYTES; i++) {
      image[1 + i] = (byte) (sizes >>> (8 * i));
    }
    System.arraycopy(data.array(), data.start(), image, WebpLossless.HEADER_BYTES, data.length());
    return Bytes.of(image);
  }

  private static byte[] greens(DecodedPixels pixels) {
    byte[] rgb = pixels.rgb();
    byte[] greens = new byte[rgb.length / 3];
    for (int i = 0; i < greens.length; i++) {
      greens[i] = rgb[3 * i + 1];
    }
    return greens;
  }

  /** Adds to every value what its neighbours predict for it. */
  private static void unfilter(byte[] plane, Dimensions size, int filter) {
    if (filter == 0) {
      return;
    }
    int width = size.width();
    for (int at = 1; at < plane.length; at++) {
      boolean firstColumn = at % width == 0;
      boolean firstRow = at < width;
      int predicted;
      if (firstRow) {
        predicted = plane[at - 1];
      } else if (firstColumn) {
        predicted = plane[at - width];
      } else {
        predicted =
            switch (filter) {
              case HORIZONTAL -> plane[at - 1];
              case VERTICAL -> plane[at - width];
              case GRADIENT -> gradient(plane, at, width);
              default -> throw new IllegalStateException("a filter has two bits");
            };
      }
      plane[at] += (byte) predicted;
    }
  }

  private static int gradient(byte[] plane, int at, int width) {
    int sum = (plane[at - 1] & 0xff) + (plane[at - width] & 0xff) - (plane[at - width - 1] & 0xff);
    return Math.clamp(sum, 0, 255);
  }
}
