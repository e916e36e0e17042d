package io.github.vlm4j.vision.image;

import io.github.vlm4j.core.InputException;
import java.io.IOException;

/** A picture file whose header has been read and whose pixels have not. */
sealed interface EncodedImage permits BmpFile, GifFile, JpegFile, PngFile, TiffFile, WebpFile {

  /** The format's name for messages. */
  String format();

  /** Width and height as stored, before orientation; not yet checked. */
  Dimensions size();

  /** How to turn the stored picture. */
  Orientation orientation();

  /**
   * Decodes the stored picture.
   *
   * @throws IOException if the decoder finds damage
   * @throws UnreadableImageException if the parser does
   */
  DecodedPixels decode() throws IOException;

  /** Tells the format by its first bytes and reads the header. */
  static EncodedImage parse(byte[] file, String name) {
    Bytes bytes = Bytes.of(file);
    try {
      if (bytes.startsWith(0, "\u00ff\u00d8\u00ff")) {
        return JpegFile.parse(bytes);
      }
      if (bytes.startsWith(0, "\u0089PNG\r\n\u001a\n")) {
        return PngFile.parse(bytes);
      }
      if (bytes.startsWith(0, "GIF87a") || bytes.startsWith(0, "GIF89a")) {
        return GifFile.parse(bytes);
      }
      if (bytes.startsWith(0, "BM")) {
        return BmpFile.parse(bytes);
      }
      if (bytes.startsWith(0, "II*\0") || bytes.startsWith(0, "MM\0*")) {
        return TiffFile.parse(bytes);
      }
      if (bytes.startsWith(0, "RIFF") && bytes.startsWith(8, "WEBP")) {
        return WebpFile.parse(bytes);
      }
    } catch (UnreadableImageException e) {
      throw new InputException(
          "%s cannot be read: %s; copy, download or export it again."
              .formatted(name, e.getMessage()),
          e);
    }
    throw new InputException(
        "%s is not an image; expected JPEG, PNG, GIF, BMP, TIFF or WebP, so convert it."
            .formatted(name));
  }
}
