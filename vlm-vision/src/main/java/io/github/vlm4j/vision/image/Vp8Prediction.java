package io.github.vlm4j.vision.image;

import java.util.Arrays;

/** Intra prediction and inverse transforms of VP8 (RFC 6386, sections 12 and 14). */
final class Vp8Prediction {

  static final int DC = 0;
  static final int VERTICAL = 1;
  static final int HORIZONTAL = 2;
  static final int TRUE_MOTION = 3;

  static final int B_DC = 0;
  static final int B_TRUE_MOTION = 1;
  static final int B_VERTICAL = 2;
  static final int B_HORIZONTAL = 3;
  private static final int SUBBLOCK_MODES = 10;

  /**
   * The directional subblock modes, sample by sample. The edge runs from the bottom of the left
   * column (twice) up over the corner (at 5) and along the row above to its right end (twice). A
   * capital letter is the weighted mean of three of its samples, a small one the mean of two, from
   * that position on.
   */
  private static final String[] MEANS = new String[SUBBLOCK_MODES];

  static {
    MEANS[B_DC] = "";
    MEANS[B_TRUE_MOTION] = "";
    MEANS[B_VERTICAL] = "FGHI" + "FGHI" + "FGHI" + "FGHI";
    MEANS[B_HORIZONTAL] = "DDDD" + "CCCC" + "BBBB" + "AAAA";
    MEANS[4] = "GHIJ" + "HIJK" + "IJKL" + "JKLM";
    MEANS[5] = "EFGH" + "DEFG" + "CDEF" + "BCDE";
    MEANS[6] = "fghi" + "EFGH" + "Dfgh" + "CEFG";
    MEANS[7] = "ghij" + "GHIJ" + "hijK" + "HIJL";
    MEANS[8] = "eEFG" + "dDeE" + "cCdD" + "bBcC";
    MEANS[9] = "dCcB" + "cBbA" + "bAaa" + "aaaa";
  }

  private static final int COSINE = 20091;
  private static final int SINE = 35468;

  private Vp8Prediction() {}

  /** Predicts a whole block of luma (16×16) or chroma (8×8). */
  static void predict(Vp8Plane plane, int x, int y, int size, int mode) {
    int origin = plane.index(x, y);
    int above = origin - plane.stride;
    switch (mode) {
      case DC -> fill(plane, origin, size, mean(plane, x, y, size));
      case VERTICAL -> {
        for (int row = 0; row < size; row++) {
          System.arraycopy(plane.samples, above, plane.samples, origin + row * plane.stride, size);
        }
      }
      case HORIZONTAL -> {
        for (int row = 0; row < size; row++) {
          int start = origin + row * plane.stride;
          for (int column = 0; column < size; column++) {
            plane.samples[start + column] = plane.samples[start - 1];
          }
        }
      }
      default -> trueMotion(plane, origin, size);
    }
  }

  /**
   * Predicts a 4×4 block.
   *
   * @param aboveRight index of the four samples above and to the right
   */
  static void predictSubblock(Vp8Plane plane, int x, int y, int aboveRight, int mode) {
    int origin = plane.index(x, y);
    if (mode == B_TRUE_MOTION) {
      trueMotion(plane, origin, 4);
      return;
    }
    int[] edge = new int[15];
    for (int i = 0; i < 4; i++) {
      edge[4 - i] = plane.at(origin + i * plane.stride - 1);
      edge[6 + i] = plane.at(origin - plane.stride + i);
      edge[10 + i] = plane.at(aboveRight + i);
    }
    edge[0] = edge[1];
    edge[5] = plane.at(origin - plane.stride - 1);
    edge[14] = edge[13];
    int sum = 4;
    for (int i = 0; i < 4; i++) {
      sum += edge[1 + i] + edge[6 + i];
    }
    String means = MEANS[mode];
    for (int i = 0; i < 16; i++) {
      int value = mode == B_DC ? sum >> 3 : mean(edge, means.charAt(i));
      plane.samples[origin + (i >> 2) * plane.stride + (i & 3)] = (byte) value;
    }
  }

  /** Adds the inverse cosine transform of a block's coefficients to its prediction. */
  static void addInverseDct(Vp8Plane plane, int x, int y, int[] coefficients, int from) {
    int[] middle = new int[16];
    for (int i = 0; i < 4; i++) {
      int in0 = coefficients[from + i];
      int in1 = coefficients[from + 4 + i];
      int in2 = coefficients[from + 8 + i];
      int in3 = coefficients[from + 12 + i];
      int even = in0 + in2;
      int odd = in0 - in2;
      int low = sine(in1) - cosine(in3);
      int high = cosine(in1) + sine(in3);
      middle[i] = even + high;
      middle[4 + i] = odd + low;
      middle[8 + i] = odd - low;
      middle[12 + i] = even - high;
    }
    int origin = plane.index(x, y);
    for (int row = 0; row < 4; row++) {
      int in0 = middle[4 * row];
      int in1 = middle[4 * row + 1];
      int in2 = middle[4 * row + 2];
      int in3 = middle[4 * row + 3];
      int even = in0 + in2 + 4;
      int odd = in0 - in2 + 4;
      int low = sine(in1) - cosine(in3);
      int high = cosine(in1) + sine(in3);
      int at = origin + row * plane.stride;
      plane.set(at, plane.at(at) + ((even + high) >> 3));
      plane.set(at + 1, plane.at(at + 1) + ((odd + low) >> 3));
      plane.set(at + 2, plane.at(at + 2) + ((odd - low) >> 3));
      plane.set(at + 3, plane.at(at + 3) + ((even - high) >> 3));
    }
  }

  /**
   * Spreads the second-order block, at index 256 on, over the DC coefficients of 16 luma blocks.
   */
  static void inverseWalshHadamard(int[] coefficients) {
    int[] middle = new int[16];
    int second = 256;
    for (int i = 0; i < 4; i++) {
      int outer = coefficients[second + i] + coefficients[second + 12 + i];
      int inner = coefficients[second + 4 + i] + coefficients[second + 8 + i];
      int innerDifference = coefficients[second + 4 + i] - coefficients[second + 8 + i];
      int outerDifference = coefficients[second + i] - coefficients[second + 12 + i];
      middle[i] = outer + inner;
      middle[4 + i] = innerDifference + outerDifference;
      middle[8 + i] = outer - inner;
      middle[12 + i] = outerDifference - innerDifference;
    }
    for (int row = 0; row < 4; row++) {
      int outer = middle[4 * row] + middle[4 * row + 3] + 3;
      int inner = middle[4 * row + 1] + middle[4 * row + 2];
      int innerDifference = middle[4 * row + 1] - middle[4 * row + 2];
      int outerDifference = middle[4 * row] - middle[4 * row + 3] + 3;
      int block = 64 * row;
      coefficients[block] = (outer + inner) >> 3;
      coefficients[block + 16] = (innerDifference + outerDifference) >> 3;
      coefficients[block + 32] = (outer - inner) >> 3;
      coefficients[block + 48] = (outerDifference - innerDifference) >> 3;
    }
  }

  /** √2·sin(π/8) times a number. */
  private static int sine(int value) {
    return (value * SINE) >> 16;
  }

  /** √2·cos(π/8) times a number. */
  private static int cosine(int value) {
    return value + ((value * COSINE) >> 16);
  }

  /** Only edges inside the frame count; without any, the mean is 128. */
  private static int mean(Vp8Plane plane, int x, int y, int size) {
    int origin = plane.index(x, y);
    int sum = 0;
    int count = 0;
    if (y > 0) {
      for (int i = 0; i < size; i++) {
        sum += plane.at(origin - plane.stride + i);
      }
      count += size;
    }
    if (x > 0) {
      for (int i = 0; i < size; i++) {
        sum += plane.at(origin + i * plane.stride - 1);
      }
      count += size;
    }
    return count == 0 ? 128 : (sum + count / 2) / count;
  }

  private static void fill(Vp8Plane plane, int origin, int size, int value) {
    for (int row = 0; row < size; row++) {
      int start = origin + row * plane.stride;
      Arrays.fill(plane.samples, start, start + size, (byte) value);
    }
  }

  private static void trueMotion(Vp8Plane plane, int origin, int size) {
    int above = origin - plane.stride;
    int corner = plane.at(above - 1);
    for (int row = 0; row < size; row++) {
      int start = origin + row * plane.stride;
      int left = plane.at(start - 1) - corner;
      for (int column = 0; column < size; column++) {
        plane.set(start + column, left + plane.at(above + column));
      }
    }
  }

  private static int mean(int[] edge, char code) {
    if (code >= 'a') {
      int first = code - 'a';
      return (edge[first] + edge[first + 1] + 1) >> 1;
    }
    int first = code - 'A';
    return (edge[first] + 2 * edge[first + 1] + edge[first + 2] + 2) >> 2;
  }
}
