package io.github.vlm4j.backend.cpu.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Five rows by four vectors for 32 registers: 20 sums, four inputs and one weight take 25, and each
 * input that is loaded is used five times.
 */
final class Tile5x4 implements Tile {

  private static final VectorSpecies<Float> F = Lanes.F32;
  private static final int L = Lanes.COUNT;
  private static final int ROWS = 5;
  private static final int VECTORS = 4;
  private static final int WIDTH = VECTORS * L;

  @Override
  public int rows() {
    return ROWS;
  }

  @Override
  public int vectors() {
    return VECTORS;
  }

  @Override
  public void addRows(float[] w, int wAt, int step, float[] x, int xAt, int k, float[] c, int cAt) {
    int w0 = wAt;
    int w1 = wAt + step;
    int w2 = wAt + 2 * step;
    int w3 = wAt + 3 * step;
    int w4 = wAt + 4 * step;
    int x0 = xAt;
    int x1 = xAt + L;
    int x2 = xAt + 2 * L;
    int x3 = xAt + 3 * L;
    int c0 = cAt;
    int c1 = cAt + WIDTH;
    int c2 = cAt + 2 * WIDTH;
    int c3 = cAt + 3 * WIDTH;
    int c4 = cAt + 4 * WIDTH;
    FloatVector s00 = FloatVector.fromArray(F, c, c0);
    FloatVector s01 = FloatVector.fromArray(F, c, c0 + L);
    FloatVector s02 = FloatVector.fromArray(F, c, c0 + 2 * L);
    FloatVector s03 = FloatVector.fromArray(F, c, c0 + 3 * L);
    FloatVector s10 = FloatVector.fromArray(F, c, c1);
    FloatVector s11 = FloatVector.fromArray(F, c, c1 + L);
    FloatVector s12 = FloatVector.fromArray(F, c, c1 + 2 * L);
    FloatVector s13 = FloatVector.fromArray(F, c, c1 + 3 * L);
    FloatVector s20 = FloatVector.fromArray(F, c, c2);
    FloatVector s21 = FloatVector.fromArray(F, c, c2 + L);
    FloatVector s22 = FloatVector.fromArray(F, c, c2 + 2 * L);
    FloatVector s23 = FloatVector.fromArray(F, c, c2 + 3 * L);
    FloatVector s30 = FloatVector.fromArray(F, c, c3);
    FloatVector s31 = FloatVector.fromArray(F, c, c3 + L);
    FloatVector s32 = FloatVector.fromArray(F, c, c3 + 2 * L);
    FloatVector s33 = FloatVector.fromArray(F, c, c3 + 3 * L);
    FloatVector s40 = FloatVector.fromArray(F, c, c4);
    FloatVector s41 = FloatVector.fromArray(F, c, c4 + L);
    FloatVector s42 = FloatVector.fromArray(F, c, c4 + 2 * L);
    FloatVector s43 = FloatVector.fromArray(F, c, c4 + 3 * L);
    for (int p = 0; p < k; p++) {
      FloatVector v0 = FloatVector.fromArray(F, x, x0 + p * WIDTH);
      FloatVector v1 = FloatVector.fromArray(F, x, x1 + p * WIDTH);
      FloatVector v2 = FloatVector.fromArray(F, x, x2 + p * WIDTH);
      FloatVector v3 = FloatVector.fromArray(F, x, x3 + p * WIDTH);
      FloatVector b0 = FloatVector.broadcast(F, w[w0 + p]);
      s00 = b0.fma(v0, s00);
      s01 = b0.fma(v1, s01);
      s02 = b0.fma(v2, s02);
      s03 = b0.fma(v3, s03);
      FloatVector b1 = FloatVector.broadcast(F, w[w1 + p]);
      s10 = b1.fma(v0, s10);
      s11 = b1.fma(v1, s11);
      s12 = b1.fma(v2, s12);
      s13 = b1.fma(v3, s13);
      FloatVector b2 = FloatVector.broadcast(F, w[w2 + p]);
      s20 = b2.fma(v0, s20);
      s21 = b2.fma(v1, s21);
      s22 = b2.fma(v2, s22);
      s23 = b2.fma(v3, s23);
      FloatVector b3 = FloatVector.broadcast(F, w[w3 + p]);
      s30 = b3.fma(v0, s30);
      s31 = b3.fma(v1, s31);
      s32 = b3.fma(v2, s32);
      s33 = b3.fma(v3, s33);
      FloatVector b4 = FloatVector.broadcast(F, w[w4 + p]);
      s40 = b4.fma(v0, s40);
      s41 = b4.fma(v1, s41);
      s42 = b4.fma(v2, s42);
      s43 = b4.fma(v3, s43);
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
  }

  @Override
  public void addColumns(
      float[] w, int wAt, int step, float[] x, int xAt, int k, float[] c, int cAt) {
    // One, which C2 must not know: see above about constant distances.
    int apart = Integer.signum(step);
    int w0 = wAt;
    int w1 = wAt + apart;
    int w2 = wAt + 2 * apart;
    int w3 = wAt + 3 * apart;
    int w4 = wAt + 4 * apart;
    int x0 = xAt;
    int x1 = xAt + L;
    int x2 = xAt + 2 * L;
    int x3 = xAt + 3 * L;
    int c0 = cAt;
    int c1 = cAt + WIDTH;
    int c2 = cAt + 2 * WIDTH;
    int c3 = cAt + 3 * WIDTH;
    int c4 = cAt + 4 * WIDTH;
    FloatVector s00 = FloatVector.fromArray(F, c, c0);
    FloatVector s01 = FloatVector.fromArray(F, c, c0 + L);
    FloatVector s02 = FloatVector.fromArray(F, c, c0 + 2 * L);
    FloatVector s03 = FloatVector.fromArray(F, c, c0 + 3 * L);
    FloatVector s10 = FloatVector.fromArray(F, c, c1);
    FloatVector s11 = FloatVector.fromArray(F, c, c1 + L);
    FloatVector s12 = FloatVector.fromArray(F, c, c1 + 2 * L);
    FloatVector s13 = FloatVector.fromArray(F, c, c1 + 3 * L);
    FloatVector s20 = FloatVector.fromArray(F, c, c2);
    FloatVector s21 = FloatVector.fromArray(F, c, c2 + L);
    FloatVector s22 = FloatVector.fromArray(F, c, c2 + 2 * L);
    FloatVector s23 = FloatVector.fromArray(F, c, c2 + 3 * L);
    FloatVector s30 = FloatVector.fromArray(F, c, c3);
    FloatVector s31 = FloatVector.fromArray(F, c, c3 + L);
    FloatVector s32 = FloatVector.fromArray(F, c, c3 + 2 * L);
    FloatVector s33 = FloatVector.fromArray(F, c, c3 + 3 * L);
    FloatVector s40 = FloatVector.fromArray(F, c, c4);
    FloatVector s41 = FloatVector.fromArray(F, c, c4 + L);
    FloatVector s42 = FloatVector.fromArray(F, c, c4 + 2 * L);
    FloatVector s43 = FloatVector.fromArray(F, c, c4 + 3 * L);
    for (int p = 0; p < k; p++) {
      int at = p * step;
      FloatVector v0 = FloatVector.fromArray(F, x, x0 + p * WIDTH);
      FloatVector v1 = FloatVector.fromArray(F, x, x1 + p * WIDTH);
      FloatVector v2 = FloatVector.fromArray(F, x, x2 + p * WIDTH);
      FloatVector v3 = FloatVector.fromArray(F, x, x3 + p * WIDTH);
      FloatVector b0 = FloatVector.broadcast(F, w[w0 + at]);
      s00 = b0.fma(v0, s00);
      s01 = b0.fma(v1, s01);
      s02 = b0.fma(v2, s02);
      s03 = b0.fma(v3, s03);
      FloatVector b1 = FloatVector.broadcast(F, w[w1 + at]);
      s10 = b1.fma(v0, s10);
      s11 = b1.fma(v1, s11);
      s12 = b1.fma(v2, s12);
      s13 = b1.fma(v3, s13);
      FloatVector b2 = FloatVector.broadcast(F, w[w2 + at]);
      s20 = b2.fma(v0, s20);
      s21 = b2.fma(v1, s21);
      s22 = b2.fma(v2, s22);
      s23 = b2.fma(v3, s23);
      FloatVector b3 = FloatVector.broadcast(F, w[w3 + at]);
      s30 = b3.fma(v0, s30);
      s31 = b3.fma(v1, s31);
      s32 = b3.fma(v2, s32);
      s33 = b3.fma(v3, s33);
      FloatVector b4 = FloatVector.broadcast(F, w[w4 + at]);
      s40 = b4.fma(v0, s40);
      s41 = b4.fma(v1, s41);
      s42 = b4.fma(v2, s42);
      s43 = b4.fma(v3, s43);
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
  }

  @Override
  public void addRowsNarrow(
      float[] w, int wAt, int step, float[] x, int xAt, int k, float[] c, int cAt, int width) {
    int w0 = wAt;
    int w1 = wAt + step;
    int w2 = wAt + 2 * step;
    int w3 = wAt + 3 * step;
    int w4 = wAt + 4 * step;
    int x0 = xAt;
    int c0 = cAt;
    int c1 = cAt + width;
    int c2 = cAt + 2 * width;
    int c3 = cAt + 3 * width;
    int c4 = cAt + 4 * width;
    FloatVector s0 = FloatVector.fromArray(F, c, c0);
    FloatVector s1 = FloatVector.fromArray(F, c, c1);
    FloatVector s2 = FloatVector.fromArray(F, c, c2);
    FloatVector s3 = FloatVector.fromArray(F, c, c3);
    FloatVector s4 = FloatVector.fromArray(F, c, c4);
    for (int p = 0; p < k; p++) {
      FloatVector v0 = FloatVector.fromArray(F, x, x0 + p * width);
      FloatVector b0 = FloatVector.broadcast(F, w[w0 + p]);
      s0 = b0.fma(v0, s0);
      FloatVector b1 = FloatVector.broadcast(F, w[w1 + p]);
      s1 = b1.fma(v0, s1);
      FloatVector b2 = FloatVector.broadcast(F, w[w2 + p]);
      s2 = b2.fma(v0, s2);
      FloatVector b3 = FloatVector.broadcast(F, w[w3 + p]);
      s3 = b3.fma(v0, s3);
      FloatVector b4 = FloatVector.broadcast(F, w[w4 + p]);
      s4 = b4.fma(v0, s4);
    }
    s0.intoArray(c, c0);
    s1.intoArray(c, c1);
    s2.intoArray(c, c2);
    s3.intoArray(c, c3);
    s4.intoArray(c, c4);
  }
}
