package io.github.vlm4j.vision.image;

import java.util.Arrays;

/** The coefficients of a macroblock (RFC 6386, section 13). */
final class Vp8Tokens {

  private static final int AFTER_SECOND_ORDER = 0;
  private static final int SECOND_ORDER = 1;
  private static final int CHROMA = 2;
  private static final int WITH_DC = 3;

  private static final int BLOCKS = 24;
  private static final int SECOND_ORDER_AT = 16 * 16;
  private static final int PROBABILITIES = 11;
  private static final int CONTEXTS = 3;

  private static final int[] ZIGZAG = {0, 1, 4, 8, 5, 2, 3, 6, 9, 12, 13, 10, 7, 11, 14, 15};
  private static final int[] BANDS = {0, 1, 2, 3, 6, 4, 5, 6, 6, 6, 6, 6, 6, 6, 6, 7};

  /** Probabilities of the extra bits of the four largest categories. */
  private static final int[][] EXTRA_BITS = {
    {173, 148, 140},
    {176, 155, 140, 135},
    {180, 157, 141, 134, 130},
    {254, 254, 243, 230, 196, 177, 153, 140, 133, 130, 129}
  };

  /** What a coefficient is multiplied by, by its plane and for DC and AC. */
  record Steps(int lumaDc, int lumaAc, int secondDc, int secondAc, int chromaDc, int chromaAc) {}

  private final int[] probabilities = Vp8Constants.COEFFICIENTS.clone();

  /**
   * 16 luma, 4 + 4 chroma blocks. The second-order block takes the place of the first chroma block
   * until it has been spread.
   */
  private final int[] coefficients = new int[16 * BLOCKS];

  /** Whether blocks above and to the left had tokens: 4 luma, 2 + 2 chroma, second order. */
  private final int[] above;

  private final int[] left = new int[9];

  Vp8Tokens(int columns) {
    above = new int[9 * columns];
  }

  void readProbabilities(Vp8BoolReader header) {
    for (int i = 0; i < probabilities.length; i++) {
      if (header.bit(Vp8Constants.COEFFICIENT_UPDATES[i]) != 0) {
        probabilities[i] = header.literal(8);
      }
    }
  }

  void beginRow() {
    Arrays.fill(left, 0);
  }

  /** Dequantised, `[24, 16]`: luma, then the two chroma planes; valid until the next macroblock. */
  int[] coefficients() {
    return coefficients;
  }

  /**
   * Reads a macroblock's coefficients.
   *
   * @param secondOrder whether the luma DC coefficients are coded in a block of their own
   * @param skip whether there are none
   * @return whether any coefficient may differ from 0
   */
  boolean read(Vp8BoolReader in, int column, boolean secondOrder, boolean skip, Steps steps) {
    int base = 9 * column;
    if (skip) {
      Arrays.fill(above, base, base + 8, 0);
      Arrays.fill(left, 0, 8, 0);
      if (secondOrder) {
        above[base + 8] = 0;
        left[8] = 0;
      }
      return false;
    }
    Arrays.fill(coefficients, 0);
    boolean coded = false;
    if (secondOrder) {
      int context = above[base + 8] + left[8];
      int end =
          readBlock(
              in, SECOND_ORDER, context, 0, SECOND_ORDER_AT, steps.secondDc(), steps.secondAc());
      above[base + 8] = end > 0 ? 1 : 0;
      left[8] = above[base + 8];
      Vp8Prediction.inverseWalshHadamard(coefficients);
      Arrays.fill(coefficients, SECOND_ORDER_AT, SECOND_ORDER_AT + 16, 0);
    }
    int first = secondOrder ? 1 : 0;
    int type = secondOrder ? AFTER_SECOND_ORDER : WITH_DC;
    for (int block = 0; block < 16; block++) {
      int up = base + (block & 3);
      int side = block >> 2;
      int at = 16 * block;
      int end =
          readBlock(in, type, above[up] + left[side], first, at, steps.lumaDc(), steps.lumaAc());
      above[up] = end > first ? 1 : 0;
      left[side] = above[up];
      coded |= end > 1 || coefficients[at] != 0;
    }
    for (int block = 0; block < 8; block++) {
      int plane = 4 + (block >> 2) * 2;
      int up = base + plane + (block & 1);
      int side = plane + ((block >> 1) & 1);
      int at = 16 * (16 + block);
      int end =
          readBlock(in, CHROMA, above[up] + left[side], 0, at, steps.chromaDc(), steps.chromaAc());
      above[up] = end > 0 ? 1 : 0;
      left[side] = above[up];
      coded |= end > 1 || coefficients[at] != 0;
    }
    return coded;
  }

  /** Reads one block; returns the position after its last token, {@code first} if it has none. */
  private int readBlock(
      Vp8BoolReader in, int type, int context, int first, int at, int dcStep, int acStep) {
    int position = first;
    int p = probabilitiesAt(type, position, context);
    if (in.bit(probabilities[p]) == 0) {
      return first;
    }
    while (true) {
      int next;
      if (in.bit(probabilities[p + 1]) == 0) {
        next = 0;
      } else {
        int magnitude = readMagnitude(in, p);
        int value = in.flag() ? -magnitude : magnitude;
        coefficients[at + ZIGZAG[position]] = value * (position == 0 ? dcStep : acStep);
        next = magnitude == 1 ? 1 : 2;
      }
      position++;
      if (position == 16) {
        return 16;
      }
      p = probabilitiesAt(type, position, next);
      // A zero is never the last token, so only another one can end the block.
      if (next != 0 && in.bit(probabilities[p]) == 0) {
        return position;
      }
    }
  }

  private static int probabilitiesAt(int type, int position, int context) {
    return PROBABILITIES * (CONTEXTS * (8 * type + BANDS[position]) + context);
  }

  private int readMagnitude(Vp8BoolReader in, int p) {
    if (in.bit(probabilities[p + 2]) == 0) {
      return 1;
    }
    if (in.bit(probabilities[p + 3]) == 0) {
      if (in.bit(probabilities[p + 4]) == 0) {
        return 2;
      }
      return 3 + in.bit(probabilities[p + 5]);
    }
    if (in.bit(probabilities[p + 6]) == 0) {
      if (in.bit(probabilities[p + 7]) == 0) {
        return 5 + in.bit(159);
      }
      return 7 + 2 * in.bit(165) + in.bit(145);
    }
    int high = in.bit(probabilities[p + 8]);
    int category = 2 * high + in.bit(probabilities[p + 9 + high]);
    int extra = 0;
    for (int probability : EXTRA_BITS[category]) {
      extra = 2 * extra + in.bit(probability);
    }
    return 3 + (8 << category) + extra;
  }
}
