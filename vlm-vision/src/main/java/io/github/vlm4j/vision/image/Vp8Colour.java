package io.github.vlm4j.vision.image;

/**
 * From VP8's planes to RGB as libwebp does it: chroma is interpolated with weights 9, 3, 3, 1 and
 * the rounding of its `src/dsp/upsampling.c`, then converted by the fixed point of `src/dsp/yuv.h`
 * (BT.601, studio range).
 */
final class Vp8Colour {

  private Vp8Colour() {}

  static byte[] toRgb(Vp8Plane luma, Vp8Plane blueness, Vp8Plane redness, Dimensions size) {
    int width = size.width();
    int height = size.height();
    byte[] rgb = new byte[Math.toIntExact(3 * size.pixels())];
    int[] blueRow = new int[width];
    int[] redRow = new int[width];
    int lastChroma = (height + 1) / 2 - 1;
    int at = 0;
    for (int y = 0; y < height; y++) {
      int near = y >> 1;
      int far = Math.clamp((y & 1) == 0 ? near - 1 : near + 1, 0, lastChroma);
      interpolate(blueness, near, far, blueRow);
      interpolate(redness, near, far, redRow);
      int lumaRow = luma.index(0, y);
      for (int x = 0; x < width; x++, at += 3) {
        int light = (luma.at(lumaRow + x) * 19077) >> 8;
        int blue = blueRow[x];
        int red = redRow[x];
        rgb[at] = level(light + ((red * 26149) >> 8) - 14234);
        rgb[at + 1] = level(light - ((blue * 6419) >> 8) - ((red * 13320) >> 8) + 8708);
        rgb[at + 2] = level(light + ((blue * 33050) >> 8) - 17685);
      }
    }
    return rgb;
  }

  /** One row of chroma at full width, from the nearer and the farther of two rows of samples. */
  private static void interpolate(Vp8Plane plane, int nearRow, int farRow, int[] row) {
    int near = plane.index(0, nearRow);
    int far = plane.index(0, farRow);
    int width = row.length;
    row[0] = (3 * plane.at(near) + plane.at(far) + 2) >> 2;
    for (int x = 1; x <= (width - 1) >> 1; x++) {
      int nearLeft = plane.at(near + x - 1);
      int nearRight = plane.at(near + x);
      int farLeft = plane.at(far + x - 1);
      int farRight = plane.at(far + x);
      int sum = nearLeft + nearRight + farLeft + farRight + 8;
      row[2 * x - 1] = ((sum + 2 * (nearRight + farLeft)) / 8 + nearLeft) >> 1;
      row[2 * x] = ((sum + 2 * (nearLeft + farRight)) / 8 + nearRight) >> 1;
    }
    if ((width & 1) == 0) {
      int last = width / 2 - 1;
      row[width - 1] = (3 * plane.at(near + last) + plane.at(far + last) + 2) >> 2;
    }
  }

  private static byte level(int value) {
    return (byte) Math.min(Math.max(value >> 6, 0), 255);
  }
}
