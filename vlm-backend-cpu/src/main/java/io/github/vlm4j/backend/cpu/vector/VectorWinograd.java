package io.github.vlm4j.backend.cpu.vector;

import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.backend.cpu.kernel.Winograd;
import io.github.vlm4j.backend.cpu.scalar.ScalarWinograd;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;
import org.jspecify.annotations.Nullable;

/**
 * The transforms with vectors along the channels. Each is two passes of additions, first along
 * columns and then along rows; one row after the other, so that few registers are live.
 */
final class VectorWinograd implements Winograd {

  private static final VectorSpecies<Float> F = Lanes.F32;
  private static final int L = Lanes.COUNT;

  /** For channels that fill no vector. */
  private final Winograd tail = new ScalarWinograd();

  @Override
  public int packScratch(int outputs, int channels) {
    int kernelFloats = VectorRunMatMul.packedFloats(outputs, KERNEL * KERNEL * channels);
    return Math.addExact(VectorRunMatMul.scratchFloats(), kernelFloats);
  }

  /**
   * Lays the kernels out first and transforms them then, with vectors along the outputs: so each
   * weight is turned over once and not once for each point.
   */
  @Override
  public void packKernels(
      Matrix w,
      float @Nullable [] bias,
      int fromRow,
      int toRow,
      float[] packed,
      int packedAt,
      int apart,
      float[] scratch) {
    int width = VectorMatMul.roundUp(toRow - fromRow, L);
    int pixel = w.columns() / (KERNEL * KERNEL) * width;
    int from = VectorRunMatMul.scratchFloats();
    VectorRunMatMul.pack(w, null, fromRow, toRow, scratch, from, scratch);
    for (int point = 0; point < POINTS; point++) {
      int at = packedAt + point * apart;
      Arrays.fill(packed, at, at + width, 0);
    }
    if (bias != null) {
      System.arraycopy(bias, fromRow, packed, packedAt + CENTRE * apart, toRow - fromRow);
    }
    for (int i = 0; i < pixel; i += L) {
      transform(scratch, from + width + i, pixel, packed, packedAt + width + i, apart);
    }
  }

  private static void transform(float[] g, int at, int pixel, float[] u, int to, int apart) {
    int g1 = at + KERNEL * pixel;
    int g2 = g1 + KERNEL * pixel;
    FloatVector a0 = FloatVector.fromArray(F, g, at);
    FloatVector a1 = FloatVector.fromArray(F, g, at + pixel);
    FloatVector a2 = FloatVector.fromArray(F, g, at + 2 * pixel);
    FloatVector c0 = FloatVector.fromArray(F, g, g2);
    FloatVector c1 = FloatVector.fromArray(F, g, g2 + pixel);
    FloatVector c2 = FloatVector.fromArray(F, g, g2 + 2 * pixel);
    kernelRow(a0, a1, a2, u, to, apart);
    kernelRow(c0, c1, c2, u, to + 3 * WINDOW * apart, apart);
    FloatVector half0 = a0.add(c0).mul(0.5f);
    FloatVector half1 = a1.add(c1).mul(0.5f);
    FloatVector half2 = a2.add(c2).mul(0.5f);
    FloatVector b0 = FloatVector.fromArray(F, g, g1).mul(0.5f);
    FloatVector b1 = FloatVector.fromArray(F, g, g1 + pixel).mul(0.5f);
    FloatVector b2 = FloatVector.fromArray(F, g, g1 + 2 * pixel).mul(0.5f);
    kernelRow(half0.add(b0), half1.add(b1), half2.add(b2), u, to + WINDOW * apart, apart);
    kernelRow(half0.sub(b0), half1.sub(b1), half2.sub(b2), u, to + 2 * WINDOW * apart, apart);
  }

  private static void kernelRow(
      FloatVector a, FloatVector b, FloatVector c, float[] u, int to, int apart) {
    FloatVector half = a.add(c).mul(0.5f);
    FloatVector middle = b.mul(0.5f);
    a.intoArray(u, to);
    half.add(middle).intoArray(u, to + apart);
    half.sub(middle).intoArray(u, to + 2 * apart);
    c.intoArray(u, to + 3 * apart);
  }

  @Override
  public void window(
      float[] x, int xAt, int pixel, int line, int channels, float[] v, int vAt, int apart) {
    int whole = channels - channels % L;
    for (int c = 0; c < whole; c += L) {
      windowLanes(x, xAt + c, pixel, line, v, vAt + c, apart);
    }
    tail.window(x, xAt + whole, pixel, line, channels - whole, v, vAt + whole, apart);
  }

  private static void windowLanes(
      float[] x, int at, int pixel, int line, float[] v, int to, int apart) {
    int x1 = at + line;
    int x2 = x1 + line;
    int x3 = x2 + line;
    // Row 0 of Bᵀ·d, then row 1 and so on: each is finished before the next begins.
    row(
        difference(x, at, x2),
        difference(x, at + pixel, x2 + pixel),
        difference(x, at + 2 * pixel, x2 + 2 * pixel),
        difference(x, at + 3 * pixel, x2 + 3 * pixel),
        v,
        to,
        apart);
    row(
        sum(x, x1, x2),
        sum(x, x1 + pixel, x2 + pixel),
        sum(x, x1 + 2 * pixel, x2 + 2 * pixel),
        sum(x, x1 + 3 * pixel, x2 + 3 * pixel),
        v,
        to + WINDOW * apart,
        apart);
    row(
        difference(x, x2, x1),
        difference(x, x2 + pixel, x1 + pixel),
        difference(x, x2 + 2 * pixel, x1 + 2 * pixel),
        difference(x, x2 + 3 * pixel, x1 + 3 * pixel),
        v,
        to + 2 * WINDOW * apart,
        apart);
    row(
        difference(x, x1, x3),
        difference(x, x1 + pixel, x3 + pixel),
        difference(x, x1 + 2 * pixel, x3 + 2 * pixel),
        difference(x, x1 + 3 * pixel, x3 + 3 * pixel),
        v,
        to + 3 * WINDOW * apart,
        apart);
  }

  private static FloatVector difference(float[] x, int a, int b) {
    return FloatVector.fromArray(F, x, a).sub(FloatVector.fromArray(F, x, b));
  }

  private static FloatVector sum(float[] x, int a, int b) {
    return FloatVector.fromArray(F, x, a).add(FloatVector.fromArray(F, x, b));
  }

  private static void row(
      FloatVector d0,
      FloatVector d1,
      FloatVector d2,
      FloatVector d3,
      float[] v,
      int to,
      int apart) {
    d0.sub(d2).intoArray(v, to);
    d1.add(d2).intoArray(v, to + apart);
    d2.sub(d1).intoArray(v, to + 2 * apart);
    d1.sub(d3).intoArray(v, to + 3 * apart);
  }

  @Override
  public void results(
      float[] m, int mAt, int apart, int channels, float[] y, int yAt, int pixel, int line) {
    int whole = channels - channels % L;
    for (int c = 0; c < whole; c += L) {
      resultLanes(m, mAt + c, apart, y, yAt + c, pixel, line);
    }
    tail.results(m, mAt + whole, apart, channels - whole, y, yAt + whole, pixel, line);
  }

  private static void resultLanes(
      float[] m, int at, int apart, float[] y, int to, int pixel, int line) {
    FloatVector upper0 = upper(m, at, apart);
    FloatVector upper1 = upper(m, at + apart, apart);
    FloatVector upper2 = upper(m, at + 2 * apart, apart);
    FloatVector upper3 = upper(m, at + 3 * apart, apart);
    upper0.add(upper1).add(upper2).intoArray(y, to);
    if (pixel != 0) {
      upper1.sub(upper2).sub(upper3).intoArray(y, to + pixel);
    }
    if (line != 0) {
      FloatVector lower0 = lower(m, at, apart);
      FloatVector lower1 = lower(m, at + apart, apart);
      FloatVector lower2 = lower(m, at + 2 * apart, apart);
      FloatVector lower3 = lower(m, at + 3 * apart, apart);
      lower0.add(lower1).add(lower2).intoArray(y, to + line);
      if (pixel != 0) {
        lower1.sub(lower2).sub(lower3).intoArray(y, to + line + pixel);
      }
    }
  }

  private static FloatVector upper(float[] m, int at, int apart) {
    return FloatVector.fromArray(F, m, at)
        .add(FloatVector.fromArray(F, m, at + WINDOW * apart))
        .add(FloatVector.fromArray(F, m, at + 2 * WINDOW * apart));
  }

  private static FloatVector lower(float[] m, int at, int apart) {
    return FloatVector.fromArray(F, m, at + WINDOW * apart)
        .sub(FloatVector.fromArray(F, m, at + 2 * WINDOW * apart))
        .sub(FloatVector.fromArray(F, m, at + 3 * WINDOW * apart));
  }
}
