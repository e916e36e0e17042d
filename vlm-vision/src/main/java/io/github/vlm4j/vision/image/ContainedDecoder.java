package io.github.vlm4j.vision.image;

import io.github.vlm4j.core.InputException;
import java.io.IOException;

/**
 * Runs a decoder on a file that may be hostile. Image plugins answer damage with whatever their
 * code happens to run into (index and arithmetic errors, negative sizes, impossible allocations),
 * and all of that means one thing to the caller: the file cannot be decoded.
 */
final class ContainedDecoder {

  private ContainedDecoder() {}

  static DecodedPixels decode(EncodedImage file, String name) {
    Dimensions size = file.size();
    try {
      DecodedPixels pixels = file.decode();
      if (pixels.rgb().length != size.pixels() * 3
          || pixels.samples().length != size.pixels() * pixels.mode().bytesPerPixel()) {
        throw new UnreadableImageException(
            "its header and its pixels disagree on the size " + size);
      }
      return pixels;
    } catch (UnreadableImageException e) {
      throw new InputException(
          "%s cannot be read: %s; copy, download or export it again."
              .formatted(name, e.getMessage()),
          e);
    } catch (OutOfMemoryError e) {
      throw new InputException(
          "%s (%s, %s) needs about %d MiB to decode, which is not free; raise -Xmx or shrink it."
              .formatted(name, file.format(), size, ((size.pixels() * 8) >> 20) + 1),
          e);
    } catch (IOException | RuntimeException | StackOverflowError | NoClassDefFoundError e) {
      String detail = e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
      throw new InputException(
          "%s is a %s file that cannot be decoded (%s); it is damaged or rare, export it again."
              .formatted(name, file.format(), detail.lines().findFirst().orElse("")),
          e);
    }
  }
}
