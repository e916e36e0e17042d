package io.github.vlm4j.backend.cpu.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Six outputs by two vectors for 16 registers: two steps a turn, and tests in between, which let C2
 * load no more than there are registers for: 46 instructions for 24 products, where {@link Tile6x2}
 * has 68. With 32 registers, too, for what is left of inputs.
 */
final class PackedTile6x2 implements PackedTile {

  private static final VectorSpecies<Float> F = Lanes.F32;
  private static final int L = Lanes.COUNT;

  /**
   * No place in an array, as are the numbers below it. C2 loads what it can before it multiplies,
   * and would have more vectors at hand than there are registers; past a test that it cannot decide
   * it loads nothing.
   */
  private static final int NEVER = -1;

  @Override
  public void add(float[] w, int wAt, float[] x, int xAt, int k, float[] c, int cAt) {
    FloatVector s00 = FloatVector.fromArray(F, c, cAt);
    FloatVector s01 = FloatVector.fromArray(F, c, cAt + L);
    FloatVector s10 = FloatVector.fromArray(F, c, cAt + WIDTH);
    FloatVector s11 = FloatVector.fromArray(F, c, cAt + WIDTH + L);
    FloatVector s20 = FloatVector.fromArray(F, c, cAt + 2 * WIDTH);
    FloatVector s21 = FloatVector.fromArray(F, c, cAt + 2 * WIDTH + L);
    FloatVector s30 = FloatVector.fromArray(F, c, cAt + 3 * WIDTH);
    FloatVector s31 = FloatVector.fromArray(F, c, cAt + 3 * WIDTH + L);
    FloatVector s40 = FloatVector.fromArray(F, c, cAt + 4 * WIDTH);
    FloatVector s41 = FloatVector.fromArray(F, c, cAt + 4 * WIDTH + L);
    FloatVector s50 = FloatVector.fromArray(F, c, cAt + 5 * WIDTH);
    FloatVector s51 = FloatVector.fromArray(F, c, cAt + 5 * WIDTH + L);
    int even = wAt + k - k % 2;
    int from = xAt - wAt * WIDTH;
    for (int p = wAt; p < even; p += 2) {
      FloatVector v0 = FloatVector.fromArray(F, x, from + p * WIDTH);
      FloatVector v1 = FloatVector.fromArray(F, x, from + p * WIDTH + L);
      FloatVector b0 = FloatVector.broadcast(F, w[p]);
      s00 = b0.fma(v0, s00);
      s01 = b0.fma(v1, s01);
      FloatVector b1 = FloatVector.broadcast(F, w[p + DEPTH]);
      s10 = b1.fma(v0, s10);
      s11 = b1.fma(v1, s11);
      if (p == NEVER) {
        break;
      }
      FloatVector b2 = FloatVector.broadcast(F, w[p + 2 * DEPTH]);
      s20 = b2.fma(v0, s20);
      s21 = b2.fma(v1, s21);
      FloatVector b3 = FloatVector.broadcast(F, w[p + 3 * DEPTH]);
      s30 = b3.fma(v0, s30);
      s31 = b3.fma(v1, s31);
      FloatVector b4 = FloatVector.broadcast(F, w[p + 4 * DEPTH]);
      s40 = b4.fma(v0, s40);
      s41 = b4.fma(v1, s41);
      FloatVector b5 = FloatVector.broadcast(F, w[p + 5 * DEPTH]);
      s50 = b5.fma(v0, s50);
      s51 = b5.fma(v1, s51);
      if (p == NEVER - 1) {
        break;
      }
      FloatVector u0 = FloatVector.fromArray(F, x, from + p * WIDTH + WIDTH);
      FloatVector u1 = FloatVector.fromArray(F, x, from + p * WIDTH + WIDTH + L);
      FloatVector a0 = FloatVector.broadcast(F, w[p + 1]);
      s00 = a0.fma(u0, s00);
      s01 = a0.fma(u1, s01);
      FloatVector a1 = FloatVector.broadcast(F, w[p + 1 + DEPTH]);
      s10 = a1.fma(u0, s10);
      s11 = a1.fma(u1, s11);
      FloatVector a2 = FloatVector.broadcast(F, w[p + 1 + 2 * DEPTH]);
      s20 = a2.fma(u0, s20);
      s21 = a2.fma(u1, s21);
      FloatVector a3 = FloatVector.broadcast(F, w[p + 1 + 3 * DEPTH]);
      s30 = a3.fma(u0, s30);
      s31 = a3.fma(u1, s31);
      if (p == NEVER - 2) {
        break;
      }
      FloatVector a4 = FloatVector.broadcast(F, w[p + 1 + 4 * DEPTH]);
      s40 = a4.fma(u0, s40);
      s41 = a4.fma(u1, s41);
      FloatVector a5 = FloatVector.broadcast(F, w[p + 1 + 5 * DEPTH]);
      s50 = a5.fma(u0, s50);
      s51 = a5.fma(u1, s51);
    }
    if (k % 2 == 1) {
      FloatVector v0 = FloatVector.fromArray(F, x, from + even * WIDTH);
      FloatVector v1 = FloatVector.fromArray(F, x, from + even * WIDTH + L);
      FloatVector b0 = FloatVector.broadcast(F, w[even]);
      s00 = b0.fma(v0, s00);
      s01 = b0.fma(v1, s01);
      FloatVector b1 = FloatVector.broadcast(F, w[even + DEPTH]);
      s10 = b1.fma(v0, s10);
      s11 = b1.fma(v1, s11);
      FloatVector b2 = FloatVector.broadcast(F, w[even + 2 * DEPTH]);
      s20 = b2.fma(v0, s20);
      s21 = b2.fma(v1, s21);
      FloatVector b3 = FloatVector.broadcast(F, w[even + 3 * DEPTH]);
      s30 = b3.fma(v0, s30);
      s31 = b3.fma(v1, s31);
      FloatVector b4 = FloatVector.broadcast(F, w[even + 4 * DEPTH]);
      s40 = b4.fma(v0, s40);
      s41 = b4.fma(v1, s41);
      FloatVector b5 = FloatVector.broadcast(F, w[even + 5 * DEPTH]);
      s50 = b5.fma(v0, s50);
      s51 = b5.fma(v1, s51);
    }
    s00.intoArray(c, cAt);
    s01.intoArray(c, cAt + L);
    s10.intoArray(c, cAt + WIDTH);
    s11.intoArray(c, cAt + WIDTH + L);
    s20.intoArray(c, cAt + 2 * WIDTH);
    s21.intoArray(c, cAt + 2 * WIDTH + L);
    s30.intoArray(c, cAt + 3 * WIDTH);
    s31.intoArray(c, cAt + 3 * WIDTH + L);
    s40.intoArray(c, cAt + 4 * WIDTH);
    s41.intoArray(c, cAt + 4 * WIDTH + L);
    s50.intoArray(c, cAt + 5 * WIDTH);
    s51.intoArray(c, cAt + 5 * WIDTH + L);
  }
}
