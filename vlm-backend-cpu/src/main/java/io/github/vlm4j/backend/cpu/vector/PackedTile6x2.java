package io.github.vlm4j.backend.cpu.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Six inputs by two vectors for 16 registers: two steps a turn, and tests in between, which let C2
 * load no more than there are registers for: 46 instructions for 24 products, where {@link Tile6x2}
 * has 68.
 */
final class PackedTile6x2 implements PackedTile {

  private static final VectorSpecies<Float> F = Lanes.F32;
  private static final int L = Lanes.COUNT;
  private static final int WIDTH = 2 * L;

  /** Floats that a step takes of weights for each that it takes of inputs. */
  private static final int STEP = WIDTH / PITCH;

  /**
   * No place in an array, as are the numbers below it. C2 loads what it can before it multiplies,
   * and would have more vectors at hand than there are registers; past a test that it cannot decide
   * it loads nothing.
   */
  private static final int NEVER = -1;

  @Override
  public void add(
      float[] x,
      int xAt,
      float[] w,
      int wAt,
      int k,
      float[] first,
      int firstAt,
      int firstApart,
      float[] c,
      int cAt) {
    int c0 = cAt;
    int c1 = cAt + WIDTH;
    int c2 = cAt + 2 * WIDTH;
    int c3 = cAt + 3 * WIDTH;
    int c4 = cAt + 4 * WIDTH;
    int c5 = cAt + 5 * WIDTH;
    int f0 = firstAt;
    int f1 = firstAt + firstApart;
    int f2 = firstAt + 2 * firstApart;
    int f3 = firstAt + 3 * firstApart;
    int f4 = firstAt + 4 * firstApart;
    int f5 = firstAt + 5 * firstApart;
    FloatVector s00 = FloatVector.fromArray(F, first, f0);
    FloatVector s01 = FloatVector.fromArray(F, first, f0 + L);
    FloatVector s10 = FloatVector.fromArray(F, first, f1);
    FloatVector s11 = FloatVector.fromArray(F, first, f1 + L);
    FloatVector s20 = FloatVector.fromArray(F, first, f2);
    FloatVector s21 = FloatVector.fromArray(F, first, f2 + L);
    FloatVector s30 = FloatVector.fromArray(F, first, f3);
    FloatVector s31 = FloatVector.fromArray(F, first, f3 + L);
    FloatVector s40 = FloatVector.fromArray(F, first, f4);
    FloatVector s41 = FloatVector.fromArray(F, first, f4 + L);
    FloatVector s50 = FloatVector.fromArray(F, first, f5);
    FloatVector s51 = FloatVector.fromArray(F, first, f5 + L);
    int even = xAt + (k - k % 2) * PITCH;
    int from = wAt - xAt * STEP;
    for (int p = xAt; p < even; p += 2 * PITCH) {
      FloatVector v0 = FloatVector.fromArray(F, w, from + p * STEP);
      FloatVector v1 = FloatVector.fromArray(F, w, from + p * STEP + L);
      FloatVector b0 = FloatVector.broadcast(F, x[p]);
      s00 = b0.fma(v0, s00);
      s01 = b0.fma(v1, s01);
      FloatVector b1 = FloatVector.broadcast(F, x[p + 1]);
      s10 = b1.fma(v0, s10);
      s11 = b1.fma(v1, s11);
      if (p == NEVER) {
        break;
      }
      FloatVector b2 = FloatVector.broadcast(F, x[p + 2]);
      s20 = b2.fma(v0, s20);
      s21 = b2.fma(v1, s21);
      FloatVector b3 = FloatVector.broadcast(F, x[p + 3]);
      s30 = b3.fma(v0, s30);
      s31 = b3.fma(v1, s31);
      FloatVector b4 = FloatVector.broadcast(F, x[p + 4]);
      s40 = b4.fma(v0, s40);
      s41 = b4.fma(v1, s41);
      FloatVector b5 = FloatVector.broadcast(F, x[p + 5]);
      s50 = b5.fma(v0, s50);
      s51 = b5.fma(v1, s51);
      if (p == NEVER - 1) {
        break;
      }
      FloatVector u0 = FloatVector.fromArray(F, w, from + p * STEP + WIDTH);
      FloatVector u1 = FloatVector.fromArray(F, w, from + p * STEP + WIDTH + L);
      FloatVector a0 = FloatVector.broadcast(F, x[p + PITCH]);
      s00 = a0.fma(u0, s00);
      s01 = a0.fma(u1, s01);
      FloatVector a1 = FloatVector.broadcast(F, x[p + PITCH + 1]);
      s10 = a1.fma(u0, s10);
      s11 = a1.fma(u1, s11);
      FloatVector a2 = FloatVector.broadcast(F, x[p + PITCH + 2]);
      s20 = a2.fma(u0, s20);
      s21 = a2.fma(u1, s21);
      FloatVector a3 = FloatVector.broadcast(F, x[p + PITCH + 3]);
      s30 = a3.fma(u0, s30);
      s31 = a3.fma(u1, s31);
      if (p == NEVER - 2) {
        break;
      }
      FloatVector a4 = FloatVector.broadcast(F, x[p + PITCH + 4]);
      s40 = a4.fma(u0, s40);
      s41 = a4.fma(u1, s41);
      FloatVector a5 = FloatVector.broadcast(F, x[p + PITCH + 5]);
      s50 = a5.fma(u0, s50);
      s51 = a5.fma(u1, s51);
    }
    if (k % 2 == 1) {
      FloatVector v0 = FloatVector.fromArray(F, w, from + even * STEP);
      FloatVector v1 = FloatVector.fromArray(F, w, from + even * STEP + L);
      FloatVector b0 = FloatVector.broadcast(F, x[even]);
      s00 = b0.fma(v0, s00);
      s01 = b0.fma(v1, s01);
      FloatVector b1 = FloatVector.broadcast(F, x[even + 1]);
      s10 = b1.fma(v0, s10);
      s11 = b1.fma(v1, s11);
      FloatVector b2 = FloatVector.broadcast(F, x[even + 2]);
      s20 = b2.fma(v0, s20);
      s21 = b2.fma(v1, s21);
      FloatVector b3 = FloatVector.broadcast(F, x[even + 3]);
      s30 = b3.fma(v0, s30);
      s31 = b3.fma(v1, s31);
      FloatVector b4 = FloatVector.broadcast(F, x[even + 4]);
      s40 = b4.fma(v0, s40);
      s41 = b4.fma(v1, s41);
      FloatVector b5 = FloatVector.broadcast(F, x[even + 5]);
      s50 = b5.fma(v0, s50);
      s51 = b5.fma(v1, s51);
    }
    s00.intoArray(c, c0);
    s01.intoArray(c, c0 + L);
    s10.intoArray(c, c1);
    s11.intoArray(c, c1 + L);
    s20.intoArray(c, c2);
    s21.intoArray(c, c2 + L);
    s30.intoArray(c, c3);
    s31.intoArray(c, c3 + L);
    s40.intoArray(c, c4);
    s41.intoArray(c, c4 + L);
    s50.intoArray(c, c5);
    s51.intoArray(c, c5 + L);
  }
}
