package io.github.vlm4j.models.clip;

import io.github.vlm4j.core.model.PatchGrid;
import io.github.vlm4j.vision.image.Image;
import io.github.vlm4j.vision.preprocess.SeenRegion;
import java.awt.image.BufferedImage;

/**
 * Where in a picture a match comes from: one number for each patch.
 *
 * @param values row by row
 * @param grid the patches
 * @param region what of the picture they cover
 */
@SuppressWarnings("ArrayRecordComponent") // A map is handed over, not compared.
public record HeatMap(float[] values, PatchGrid grid, SeenRegion region) {

  /** Colours from cold to hot, at equal distances. */
  private static final int[] RAMP = {0x10104a, 0x5a1a8c, 0xc0306a, 0xf08020, 0xfff080};

  private static final double HEAT = 0.55;
  private static final double OUTSIDE = 0.3;

  /** Returns the index of the greatest value. */
  public int hottest() {
    int best = 0;
    for (int i = 1; i < values.length; i++) {
      best = values[i] > values[best] ? i : best;
    }
    return best;
  }

  /**
   * Draws the map over its picture: the coldest patch dark blue, the hottest yellow, and dimmed
   * what the encoder does not see.
   *
   * @param image the picture it was computed of
   */
  public BufferedImage over(Image image) {
    int width = image.width();
    int height = image.height();
    float min = Float.POSITIVE_INFINITY;
    float max = Float.NEGATIVE_INFINITY;
    for (float value : values) {
      min = Math.min(min, value);
      max = Math.max(max, value);
    }
    double range = max > min ? max - min : 1;
    BufferedImage picture = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
    byte[] row = new byte[3 * width];
    for (int y = 0; y < height; y++) {
      image.copyRows(y, 1, row, 0);
      double v = (y + 0.5 - region.top()) / region.height();
      for (int x = 0; x < width; x++) {
        double u = (x + 0.5 - region.left()) / region.width();
        boolean seen = u >= 0 && u < 1 && v >= 0 && v < 1;
        int colour = seen ? ramp((at(u, v) - min) / range) : 0;
        picture.setRGB(x, y, blend(row, 3 * x, colour, seen ? HEAT : 1 - OUTSIDE));
      }
    }
    return picture;
  }

  /** Interpolates between the middles of patches. */
  private double at(double u, double v) {
    double x = Math.clamp(u * grid.width() - 0.5, 0, grid.width() - 1);
    double y = Math.clamp(v * grid.height() - 0.5, 0, grid.height() - 1);
    int left = (int) x;
    int top = (int) y;
    int right = Math.min(left + 1, grid.width() - 1);
    int bottom = Math.min(top + 1, grid.height() - 1);
    double upper = mix(value(top, left), value(top, right), x - left);
    double lower = mix(value(bottom, left), value(bottom, right), x - left);
    return mix(upper, lower, y - top);
  }

  private float value(int row, int column) {
    return values[row * grid.width() + column];
  }

  private static double mix(double a, double b, double part) {
    return a + (b - a) * part;
  }

  private static int ramp(double heat) {
    double at = Math.clamp(heat, 0, 1) * (RAMP.length - 1);
    int from = Math.min((int) at, RAMP.length - 2);
    int colour = 0;
    for (int shift = 16; shift >= 0; shift -= 8) {
      double channel = mix(RAMP[from] >> shift & 255, RAMP[from + 1] >> shift & 255, at - from);
      colour |= (int) Math.round(channel) << shift;
    }
    return colour;
  }

  private static int blend(byte[] rgb, int at, int colour, double part) {
    int blended = 0;
    for (int channel = 0; channel < 3; channel++) {
      int shift = 16 - 8 * channel;
      double mixed = mix(rgb[at + channel] & 255, colour >> shift & 255, part);
      blended |= (int) Math.round(mixed) << shift;
    }
    return blended;
  }
}
