package io.github.vlm4j.backend.cpu.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Six inputs by four vectors for 32 registers: with one address for all inputs, C2 keeps 24 sums
 * and what it multiplies in these, by 39 instructions for 24 products. Five by four, which is what
 * {@link Tile5x4} is limited to by its addresses, took 36 for 20 and was measured at 0.87 times the
 * speed on Zen 5; two steps a turn, and tests as in {@link PackedTile6x2}, made no difference.
 */
final class PackedTile6x4 implements PackedTile {

  private static final VectorSpecies<Float> F = Lanes.F32;
  private static final int L = Lanes.COUNT;
  private static final int WIDTH = 4 * L;

  /** Floats that a step takes of weights for each that it takes of inputs. */
  private static final int STEP = WIDTH / PITCH;

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
    FloatVector s02 = FloatVector.fromArray(F, first, f0 + 2 * L);
    FloatVector s03 = FloatVector.fromArray(F, first, f0 + 3 * L);
    FloatVector s10 = FloatVector.fromArray(F, first, f1);
    FloatVector s11 = FloatVector.fromArray(F, first, f1 + L);
    FloatVector s12 = FloatVector.fromArray(F, first, f1 + 2 * L);
    FloatVector s13 = FloatVector.fromArray(F, first, f1 + 3 * L);
    FloatVector s20 = FloatVector.fromArray(F, first, f2);
    FloatVector s21 = FloatVector.fromArray(F, first, f2 + L);
    FloatVector s22 = FloatVector.fromArray(F, first, f2 + 2 * L);
    FloatVector s23 = FloatVector.fromArray(F, first, f2 + 3 * L);
    FloatVector s30 = FloatVector.fromArray(F, first, f3);
    FloatVector s31 = FloatVector.fromArray(F, first, f3 + L);
    FloatVector s32 = FloatVector.fromArray(F, first, f3 + 2 * L);
    FloatVector s33 = FloatVector.fromArray(F, first, f3 + 3 * L);
    FloatVector s40 = FloatVector.fromArray(F, first, f4);
    FloatVector s41 = FloatVector.fromArray(F, first, f4 + L);
    FloatVector s42 = FloatVector.fromArray(F, first, f4 + 2 * L);
    FloatVector s43 = FloatVector.fromArray(F, first, f4 + 3 * L);
    FloatVector s50 = FloatVector.fromArray(F, first, f5);
    FloatVector s51 = FloatVector.fromArray(F, first, f5 + L);
    FloatVector s52 = FloatVector.fromArray(F, first, f5 + 2 * L);
    FloatVector s53 = FloatVector.fromArray(F, first, f5 + 3 * L);
    int end = xAt + k * PITCH;
    int from = wAt - xAt * STEP;
    for (int p = xAt; p < end; p += PITCH) {
      FloatVector v0 = FloatVector.fromArray(F, w, from + p * STEP);
      FloatVector v1 = FloatVector.fromArray(F, w, from + p * STEP + L);
      FloatVector v2 = FloatVector.fromArray(F, w, from + p * STEP + 2 * L);
      FloatVector v3 = FloatVector.fromArray(F, w, from + p * STEP + 3 * L);
      FloatVector b0 = FloatVector.broadcast(F, x[p]);
      s00 = b0.fma(v0, s00);
      s01 = b0.fma(v1, s01);
      s02 = b0.fma(v2, s02);
      s03 = b0.fma(v3, s03);
      FloatVector b1 = FloatVector.broadcast(F, x[p + 1]);
      s10 = b1.fma(v0, s10);
      s11 = b1.fma(v1, s11);
      s12 = b1.fma(v2, s12);
      s13 = b1.fma(v3, s13);
      FloatVector b2 = FloatVector.broadcast(F, x[p + 2]);
      s20 = b2.fma(v0, s20);
      s21 = b2.fma(v1, s21);
      s22 = b2.fma(v2, s22);
      s23 = b2.fma(v3, s23);
      FloatVector b3 = FloatVector.broadcast(F, x[p + 3]);
      s30 = b3.fma(v0, s30);
      s31 = b3.fma(v1, s31);
      s32 = b3.fma(v2, s32);
      s33 = b3.fma(v3, s33);
      FloatVector b4 = FloatVector.broadcast(F, x[p + 4]);
      s40 = b4.fma(v0, s40);
      s41 = b4.fma(v1, s41);
      s42 = b4.fma(v2, s42);
      s43 = b4.fma(v3, s43);
      FloatVector b5 = FloatVector.broadcast(F, x[p + 5]);
      s50 = b5.fma(v0, s50);
      s51 = b5.fma(v1, s51);
      s52 = b5.fma(v2, s52);
      s53 = b5.fma(v3, s53);
    }
    s00.intoArray(c, c0);
    s01.intoArray(c, c0 + L);
    s02.intoArray(c, c0 + 2 * L);
    s03.intoArray(c, c0 + 3 * L);
    s10.intoArray(c, c1);
    s11.intoArray(c, c1 + L);
    s12.intoArray(c, c1 + 2 * L);
    s13.intoArray(c, c1 + 3 * L);
    s20.intoArray(c, c2);
    s21.intoArray(c, c2 + L);
    s22.intoArray(c, c2 + 2 * L);
    s23.intoArray(c, c2 + 3 * L);
    s30.intoArray(c, c3);
    s31.intoArray(c, c3 + L);
    s32.intoArray(c, c3 + 2 * L);
    s33.intoArray(c, c3 + 3 * L);
    s40.intoArray(c, c4);
    s41.intoArray(c, c4 + L);
    s42.intoArray(c, c4 + 2 * L);
    s43.intoArray(c, c4 + 3 * L);
    s50.intoArray(c, c5);
    s51.intoArray(c, c5 + L);
    s52.intoArray(c, c5 + 2 * L);
    s53.intoArray(c, c5 + 3 * L);
  }
}
