package io.github.vlm4j.vision.image;

import com.twelvemonkeys.imageio.plugins.webp.WebPImageReaderSpi;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** The lossless WebP format (RFC 9649, section 3), decoded by TwelveMonkeys. */
final class WebpLossless {

  static final int SIGNATURE = 0x2f;
  static final int HEADER_BYTES = 5;

  private WebpLossless() {}

  static Dimensions size(Bytes data) {
    if (data.u8(0) != SIGNATURE) {
      throw new UnreadableImageException("its lossless WebP data has no signature");
    }
    long sizes = data.u32(1, ByteOrder.LITTLE_ENDIAN);
    return new Dimensions((int) (sizes & 0x3fff) + 1, (int) ((sizes >> 14) & 0x3fff) + 1);
  }

  /**
   * Wraps the data into the simplest file around it, which leaves metadata and profiles out, and
   * decodes that.
   */
  static DecodedPixels decode(Bytes data, Dimensions size) throws IOException {
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
            size);
    return SampleConverter.convert(picture.getRaster(), picture.getColorModel());
  }

  private static void writeLength(ByteArrayOutputStream file, int length) {
    for (int shift = 0; shift < 32; shift += 8) {
      file.write(length >>> shift);
    }
  }
}
