package io.github.vlm4j.backend.cpu.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Six rows by two vectors for 16 registers: 12 sums, two inputs and one weight take 15.
 *
 * <p>Measured with AVX2 on Zen 3: 6×2 runs at the FMA peak, 5×2 and 4×2 below it, 4×3 and 3×4 spill
 * and drop to 45 %. 6×2 itself drops to 45 % if all weights are addressed from one variable with
 * constant distances, because C2 then loads them all before the first product; one offset variable
 * per row keeps it from doing that.
 */
final class Tile6x2 implements Tile {

  private static final VectorSpecies<Float> F = Lanes.F32;
  private static final int L = Lanes.COUNT;
  private static final int ROWS = 6;
  private static final int VECTORS = 2;
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
        wAt + 5 * step,
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
        starts[from + 5] + shift,
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
      int w5,
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
    int c0 = cAt;
    int c1 = cAt + apart;
    int c2 = cAt + 2 * apart;
    int c3 = cAt + 3 * apart;
    int c4 = cAt + 4 * apart;
    int c5 = cAt + 5 * apart;
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
    for (int p = 0; p < k; p++) {
      FloatVector v0 = FloatVector.fromArray(F, x, x0 + p * WIDTH);
      FloatVector v1 = FloatVector.fromArray(F, x, x1 + p * WIDTH);
      FloatVector b0 = FloatVector.broadcast(F, w[w0 + p]);
      s00 = b0.fma(v0, s00);
      s01 = b0.fma(v1, s01);
      FloatVector b1 = FloatVector.broadcast(F, w[w1 + p]);
      s10 = b1.fma(v0, s10);
      s11 = b1.fma(v1, s11);
      FloatVector b2 = FloatVector.broadcast(F, w[w2 + p]);
      s20 = b2.fma(v0, s20);
      s21 = b2.fma(v1, s21);
      FloatVector b3 = FloatVector.broadcast(F, w[w3 + p]);
      s30 = b3.fma(v0, s30);
      s31 = b3.fma(v1, s31);
      FloatVector b4 = FloatVector.broadcast(F, w[w4 + p]);
      s40 = b4.fma(v0, s40);
      s41 = b4.fma(v1, s41);
      FloatVector b5 = FloatVector.broadcast(F, w[w5 + p]);
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
        wAt + 5 * step,
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
        starts[from + 5] + shift,
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
      int w5,
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
    int c5 = cAt + 5 * apart;
    int f0 = firstAt;
    int f1 = firstAt + firstApart;
    int f2 = firstAt + 2 * firstApart;
    int f3 = firstAt + 3 * firstApart;
    int f4 = firstAt + 4 * firstApart;
    int f5 = firstAt + 5 * firstApart;
    FloatVector s0 = FloatVector.fromArray(F, first, f0);
    FloatVector s1 = FloatVector.fromArray(F, first, f1);
    FloatVector s2 = FloatVector.fromArray(F, first, f2);
    FloatVector s3 = FloatVector.fromArray(F, first, f3);
    FloatVector s4 = FloatVector.fromArray(F, first, f4);
    FloatVector s5 = FloatVector.fromArray(F, first, f5);
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
      FloatVector b5 = FloatVector.broadcast(F, w[w5 + p]);
      s5 = b5.fma(v0, s5);
    }
    s0.intoArray(c, c0);
    s1.intoArray(c, c1);
    s2.intoArray(c, c2);
    s3.intoArray(c, c3);
    s4.intoArray(c, c4);
    s5.intoArray(c, c5);
  }
}
