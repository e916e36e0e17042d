package io.github.vlm4j.vision.image;

/** The deblocking filters of VP8 (RFC 6386, section 15). */
final class Vp8LoopFilter {

  private Vp8LoopFilter() {}

  /**
   * How strongly a macroblock is filtered.
   *
   * @param limit on the step across an edge between subblocks; 0 for no filtering
   * @param interior on the steps beside the edge
   * @param highVariance beyond which only the two samples at the edge change
   * @param inner whether edges between subblocks are filtered too
   */
  record Strength(int limit, int interior, int highVariance, boolean inner) {

    private static final int EDGE_BONUS = 4;

    static Strength of(int level, int sharpness, boolean inner) {
      int interior = level >> (sharpness > 4 ? 2 : sharpness > 0 ? 1 : 0);
      if (sharpness > 0) {
        interior = Math.min(interior, 9 - sharpness);
      }
      interior = Math.max(interior, 1);
      int highVariance = level >= 40 ? 2 : level >= 15 ? 1 : 0;
      return new Strength(level == 0 ? 0 : 2 * level + interior, interior, highVariance, inner);
    }

    int macroblockLimit() {
      return limit + EDGE_BONUS;
    }
  }

  /** Filters the left and upper edges of a block of a plane, and its inner edges. */
  static void filter(Vp8Plane plane, int x, int y, int size, Strength strength, boolean simple) {
    int origin = plane.index(x, y);
    int stride = plane.stride;
    if (x > 0) {
      edge(plane, origin, 1, stride, size, strength, true, simple);
    }
    for (int inner = 4; strength.inner() && inner < size; inner += 4) {
      edge(plane, origin + inner, 1, stride, size, strength, false, simple);
    }
    if (y > 0) {
      edge(plane, origin, stride, 1, size, strength, true, simple);
    }
    for (int inner = 4; strength.inner() && inner < size; inner += 4) {
      edge(plane, origin + inner * stride, stride, 1, size, strength, false, simple);
    }
  }

  /**
   * Filters one edge.
   *
   * @param across the step from one side of the edge to the other
   * @param along the step along the edge
   */
  private static void edge(
      Vp8Plane plane,
      int origin,
      int across,
      int along,
      int length,
      Strength strength,
      boolean macroblock,
      boolean simple) {
    int limit = 2 * (macroblock ? strength.macroblockLimit() : strength.limit()) + 1;
    for (int i = 0, at = origin; i < length; i++, at += along) {
      int p1 = plane.at(at - 2 * across);
      int p0 = plane.at(at - across);
      int q0 = plane.at(at);
      int q1 = plane.at(at + across);
      if (4 * Math.abs(p0 - q0) + Math.abs(p1 - q1) > limit) {
        continue;
      }
      if (simple) {
        adjustTwo(plane, at, across, p1, p0, q0, q1);
        continue;
      }
      int p2 = plane.at(at - 3 * across);
      int q2 = plane.at(at + 2 * across);
      int interior = strength.interior();
      if (Math.abs(plane.at(at - 4 * across) - p2) > interior
          || Math.abs(p2 - p1) > interior
          || Math.abs(p1 - p0) > interior
          || Math.abs(plane.at(at + 3 * across) - q2) > interior
          || Math.abs(q2 - q1) > interior
          || Math.abs(q1 - q0) > interior) {
        continue;
      }
      boolean highVariance =
          Math.abs(p1 - p0) > strength.highVariance()
              || Math.abs(q1 - q0) > strength.highVariance();
      if (highVariance) {
        adjustTwo(plane, at, across, p1, p0, q0, q1);
      } else if (macroblock) {
        int a = signedByte(3 * (q0 - p0) + signedByte(p1 - q1));
        int a1 = (27 * a + 63) >> 7;
        int a2 = (18 * a + 63) >> 7;
        int a3 = (9 * a + 63) >> 7;
        plane.set(at - 3 * across, p2 + a3);
        plane.set(at - 2 * across, p1 + a2);
        plane.set(at - across, p0 + a1);
        plane.set(at, q0 - a1);
        plane.set(at + across, q1 - a2);
        plane.set(at + 2 * across, q2 - a3);
      } else {
        int a = 3 * (q0 - p0);
        int a1 = signedNibble((a + 4) >> 3);
        int a2 = signedNibble((a + 3) >> 3);
        int a3 = (a1 + 1) >> 1;
        plane.set(at - 2 * across, p1 + a3);
        plane.set(at - across, p0 + a2);
        plane.set(at, q0 - a1);
        plane.set(at + across, q1 - a3);
      }
    }
  }

  private static void adjustTwo(
      Vp8Plane plane, int at, int across, int p1, int p0, int q0, int q1) {
    int a = 3 * (q0 - p0) + signedByte(p1 - q1);
    plane.set(at - across, p0 + signedNibble((a + 3) >> 3));
    plane.set(at, q0 - signedNibble((a + 4) >> 3));
  }

  private static int signedByte(int value) {
    return Math.clamp(value, -128, 127);
  }

  private static int signedNibble(int value) {
    return Math.clamp(value, -16, 15);
  }
}
