package io.github.vlm4j.vision.image;

import java.nio.charset.StandardCharsets;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How a stored picture must be turned to stand upright: EXIF tag 0x0112 (Exif 2.32, section 4.6.4).
 * A value outside 1..8 means upright, as Pillow takes it.
 */
record Orientation(int code) {

  static final Orientation UPRIGHT = new Orientation(1);

  static final int TAG = 0x0112;

  private static final Pattern XMP = Pattern.compile("tiff:Orientation(?:=\"|>)([0-9])");

  Orientation {
    code = code < 1 || code > 8 ? 1 : code;
  }

  /** From an EXIF block (a TIFF header and directory) and an XMP packet, either of them empty. */
  static Orientation of(Bytes exif, Bytes xmp) {
    OptionalInt tag = TiffDirectory.first(exif).map(d -> d.value(TAG)).orElse(OptionalInt.empty());
    if (tag.isPresent()) {
      return new Orientation(tag.getAsInt());
    }
    Matcher matcher = XMP.matcher(new String(xmp.toArray(), StandardCharsets.ISO_8859_1));
    return matcher.find() ? new Orientation(matcher.group(1).charAt(0) - '0') : UPRIGHT;
  }

  Dimensions apply(Dimensions stored) {
    return code >= 5 ? stored.transposed() : stored;
  }

  /** Turns pixels of some bytes each. */
  byte[] apply(byte[] pixels, int bytesPerPixel, Dimensions stored) {
    if (code == 1 || pixels.length == 0) {
      return pixels;
    }
    int width = stored.width();
    int height = stored.height();
    boolean flipX = code == 2 || code == 3 || code == 7 || code == 8;
    boolean flipY = code == 3 || code == 4 || code == 6 || code == 7;
    boolean transposed = code >= 5;
    byte[] upright = new byte[pixels.length];
    Dimensions target = apply(stored);
    int at = 0;
    for (int y = 0; y < target.height(); y++) {
      for (int x = 0; x < target.width(); x++, at += bytesPerPixel) {
        int sourceX = transposed ? y : x;
        int sourceY = transposed ? x : y;
        sourceX = flipX ? width - 1 - sourceX : sourceX;
        sourceY = flipY ? height - 1 - sourceY : sourceY;
        int from = bytesPerPixel * (sourceY * width + sourceX);
        for (int i = 0; i < bytesPerPixel; i++) {
          upright[at + i] = pixels[from + i];
        }
      }
    }
    return upright;
  }
}
