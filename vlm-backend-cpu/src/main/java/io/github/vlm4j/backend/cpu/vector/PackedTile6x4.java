package io.github.vlm4j.backend.cpu.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Six outputs by four vectors for 32 registers: with one address for all weights, C2 keeps 24 sums
 * and what it multiplies in these, by 39 instructions for 24 products. Five by four, which is what
 * {@link Tile5x4} is limited to by its addresses, took 36 for 20 and was measured at 0.87 times the
 * speed on Zen 5; two steps a turn, and tests as in {@link PackedTile6x2}, made no difference.
 */
final class PackedTile6x4 implements PackedTile {

  private static final VectorSpecies<Float> F = Lanes.F32;
  private static final int L = Lanes.COUNT;

  @Override
  public void add(float[] w, int wAt, float[] x, int xAt, int k, float[] c, int cAt) {
    FloatVector s00 = FloatVector.fromArray(F, c, cAt);
    FloatVector s01 = FloatVector.fromArray(F, c, cAt + L);
    FloatVector s02 = FloatVector.fromArray(F, c, cAt + 2 * L);
    FloatVector s03 = FloatVector.fromArray(F, c, cAt + 3 * L);
    FloatVector s10 = FloatVector.fromArray(F, c, cAt + WIDTH);
    FloatVector s11 = FloatVector.fromArray(F, c, cAt + WIDTH + L);
    FloatVector s12 = FloatVector.fromArray(F, c, cAt + WIDTH + 2 * L);
    FloatVector s13 = FloatVector.fromArray(F, c, cAt + WIDTH + 3 * L);
    FloatVector s20 = FloatVector.fromArray(F, c, cAt + 2 * WIDTH);
    FloatVector s21 = FloatVector.fromArray(F, c, cAt + 2 * WIDTH + L);
    FloatVector s22 = FloatVector.fromArray(F, c, cAt + 2 * WIDTH + 2 * L);
    FloatVector s23 = FloatVector.fromArray(F, c, cAt + 2 * WIDTH + 3 * L);
    FloatVector s30 = FloatVector.fromArray(F, c, cAt + 3 * WIDTH);
    FloatVector s31 = FloatVector.fromArray(F, c, cAt + 3 * WIDTH + L);
    FloatVector s32 = FloatVector.fromArray(F, c, cAt + 3 * WIDTH + 2 * L);
    FloatVector s33 = FloatVector.fromArray(F, c, cAt + 3 * WIDTH + 3 * L);
    FloatVector s40 = FloatVector.fromArray(F, c, cAt + 4 * WIDTH);
    FloatVector s41 = FloatVector.fromArray(F, c, cAt + 4 * WIDTH + L);
    FloatVector s42 = FloatVector.fromArray(F, c, cAt + 4 * WIDTH + 2 * L);
    FloatVector s43 = FloatVector.fromArray(F, c, cAt + 4 * WIDTH + 3 * L);
    FloatVector s50 = FloatVector.fromArray(F, c, cAt + 5 * WIDTH);
    FloatVector s51 = FloatVector.fromArray(F, c, cAt + 5 * WIDTH + L);
    FloatVector s52 = FloatVector.fromArray(F, c, cAt + 5 * WIDTH + 2 * L);
    FloatVector s53 = FloatVector.fromArray(F, c, cAt + 5 * WIDTH + 3 * L);
    int end = wAt + k;
    int from = xAt - wAt * WIDTH;
    for (int p = wAt; p < end; p++) {
      FloatVector v0 = FloatVector.fromArray(F, x, from + p * WIDTH);
      FloatVector v1 = FloatVector.fromArray(F, x, from + p * WIDTH + L);
      FloatVector v2 = FloatVector.fromArray(F, x, from + p * WIDTH + 2 * L);
      FloatVector v3 = FloatVector.fromArray(F, x, from + p * WIDTH + 3 * L);
      FloatVector b0 = FloatVector.broadcast(F, w[p]);
      s00 = b0.fma(v0, s00);
      s01 = b0.fma(v1, s01);
      s02 = b0.fma(v2, s02);
      s03 = b0.fma(v3, s03);
      FloatVector b1 = FloatVector.broadcast(F, w[p + DEPTH]);
      s10 = b1.fma(v0, s10);
      s11 = b1.fma(v1, s11);
      s12 = b1.fma(v2, s12);
      s13 = b1.fma(v3, s13);
      FloatVector b2 = FloatVector.broadcast(F, w[p + 2 * DEPTH]);
      s20 = b2.fma(v0, s20);
      s21 = b2.fma(v1, s21);
      s22 = b2.fma(v2, s22);
      s23 = b2.fma(v3, s23);
      FloatVector b3 = FloatVector.broadcast(F, w[p + 3 * DEPTH]);
      s30 = b3.fma(v0, s30);
      s31 = b3.fma(v1, s31);
      s32 = b3.fma(v2, s32);
      s33 = b3.fma(v3, s33);
      FloatVector b4 = FloatVector.broadcast(F, w[p + 4 * DEPTH]);
      s40 = b4.fma(v0, s40);
      s41 = b4.fma(v1, s41);
      s42 = b4.fma(v2, s42);
      s43 = b4.fma(v3, s43);
      FloatVector b5 = FloatVector.broadcast(F, w[p + 5 * DEPTH]);
      s50 = b5.fma(v0, s50);
      s51 = b5.fma(v1, s51);
      s52 = b5.fma(v2, s52);
      s53 = b5.fma(v3, s53);
    }
    s00.intoArray(c, cAt);
    s01.intoArray(c, cAt + L);
    s02.intoArray(c, cAt + 2 * L);
    s03.intoArray(c, cAt + 3 * L);
    s10.intoArray(c, cAt + WIDTH);
    s11.intoArray(c, cAt + WIDTH + L);
    s12.intoArray(c, cAt + WIDTH + 2 * L);
    s13.intoArray(c, cAt + WIDTH + 3 * L);
    s20.intoArray(c, cAt + 2 * WIDTH);
    s21.intoArray(c, cAt + 2 * WIDTH + L);
    s22.intoArray(c, cAt + 2 * WIDTH + 2 * L);
    s23.intoArray(c, cAt + 2 * WIDTH + 3 * L);
    s30.intoArray(c, cAt + 3 * WIDTH);
    s31.intoArray(c, cAt + 3 * WIDTH + L);
    s32.intoArray(c, cAt + 3 * WIDTH + 2 * L);
    s33.intoArray(c, cAt + 3 * WIDTH + 3 * L);
    s40.intoArray(c, cAt + 4 * WIDTH);
    s41.intoArray(c, cAt + 4 * WIDTH + L);
    s42.intoArray(c, cAt + 4 * WIDTH + 2 * L);
    s43.intoArray(c, cAt + 4 * WIDTH + 3 * L);
    s50.intoArray(c, cAt + 5 * WIDTH);
    s51.intoArray(c, cAt + 5 * WIDTH + L);
    s52.intoArray(c, cAt + 5 * WIDTH + 2 * L);
    s53.intoArray(c, cAt + 5 * WIDTH + 3 * L);
  }
}
