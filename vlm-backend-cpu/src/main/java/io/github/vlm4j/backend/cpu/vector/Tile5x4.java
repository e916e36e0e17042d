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
    add(
        w,
        wAt,
        wAt + step,
        wAt + 2 * step,
        wAt + 3 * step,
        wAt + 4 * step,
        x,
        xAt,
        k,
        c,
        cAt,
        WIDTH,
        c,
        cAt,
        WIDTH);
  }

  @Override
  public void addRuns(
      float[] w,
      int[] starts,
      int from,
      int shift,
      float[] x,
      int xAt,
      int k,
      float[] first,
      int firstAt,
      int firstApart,
      float[] c,
      int cAt,
      int apart) {
    add(
        w,
        starts[from] + shift,
        starts[from + 1] + shift,
        starts[from + 2] + shift,
        starts[from + 3] + shift,
        starts[from + 4] + shift,
        x,
        xAt,
        k,
        first,
        firstAt,
        firstApart,
        c,
        cAt,
        apart);
  }

  private static void add(
      float[] w,
      int w0,
      int w1,
      int w2,
      int w3,
      int w4,
      float[] x,
      int xAt,
      int k,
      float[] first,
      int firstAt,
      int firstApart,
      float[] c,
      int cAt,
      int apart) {
    int x0 = xAt;
    int x1 = xAt + L;
    int x2 = xAt + 2 * L;
    int x3 = xAt + 3 * L;
    int c0 = cAt;
    int c1 = cAt + apart;
    int c2 = cAt + 2 * apart;
    int c3 = cAt + 3 * apart;
    int c4 = cAt + 4 * apart;
    int f0 = firstAt;
    int f1 = firstAt + firstApart;
    int f2 = firstAt + 2 * firstApart;
    int f3 = firstAt + 3 * firstApart;
    int f4 = firstAt + 4 * firstApart;
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
  public void addRowsNarrow(
      float[] w, int wAt, int step, float[] x, int xAt, int k, float[] c, int cAt, int width) {
    addNarrow(
        w,
        wAt,
        wAt + step,
        wAt + 2 * step,
        wAt + 3 * step,
        wAt + 4 * step,
        x,
        xAt,
        k,
        width,
        c,
        cAt,
        width,
        c,
        cAt,
        width);
  }

  @Override
  public void addRunsNarrow(
      float[] w,
      int[] starts,
      int from,
      int shift,
      float[] x,
      int xAt,
      int k,
      int width,
      float[] first,
      int firstAt,
      int firstApart,
      float[] c,
      int cAt,
      int apart) {
    addNarrow(
        w,
        starts[from] + shift,
        starts[from + 1] + shift,
        starts[from + 2] + shift,
        starts[from + 3] + shift,
        starts[from + 4] + shift,
        x,
        xAt,
        k,
        width,
        first,
        firstAt,
        firstApart,
        c,
        cAt,
        apart);
  }

  private static void addNarrow(
      float[] w,
      int w0,
      int w1,
      int w2,
      int w3,
      int w4,
      float[] x,
      int xAt,
      int k,
      int width,
      float[] first,
      int firstAt,
      int firstApart,
      float[] c,
      int cAt,
      int apart) {
    int x0 = xAt;
    int c0 = cAt;
    int c1 = cAt + apart;
    int c2 = cAt + 2 * apart;
    int c3 = cAt + 3 * apart;
    int c4 = cAt + 4 * apart;
    int f0 = firstAt;
    int f1 = firstAt + firstApart;
    int f2 = firstAt + 2 * firstApart;
    int f3 = firstAt + 3 * firstApart;
    int f4 = firstAt + 4 * firstApart;
    FloatVector s0 = FloatVector.fromArray(F, first, f0);
    FloatVector s1 = FloatVector.fromArray(F, first, f1);
    FloatVector s2 = FloatVector.fromArray(F, first, f2);
    FloatVector s3 = FloatVector.fromArray(F, first, f3);
    FloatVector s4 = FloatVector.fromArray(F, first, f4);
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
