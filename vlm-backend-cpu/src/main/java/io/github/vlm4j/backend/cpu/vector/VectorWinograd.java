package io.github.vlm4j.backend.cpu.vector;

import io.github.vlm4j.backend.cpu.kernel.Winograd;
import io.github.vlm4j.backend.cpu.scalar.ScalarWinograd;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * The transforms with vectors along the channels. Each is two passes of additions, first along
 * columns and then along rows; one column after the other, so that few registers are live.
 */
final class VectorWinograd implements Winograd {

  private static final VectorSpecies<Float> F = Lanes.F32;
  private static final int L = Lanes.COUNT;

  /** For channels that fill no vector. */
  private final Winograd tail = new ScalarWinograd();

  @Override
  public void kernel(float[] g, int gAt, int pixel, int channels, float[] u, int uAt, int apart) {
    int whole = channels - channels % L;
    for (int c = 0; c < whole; c += L) {
      kernelLanes(g, gAt + c, pixel, u, uAt + c, apart);
    }
    tail.kernel(g, gAt + whole, pixel, channels - whole, u, uAt + whole, apart);
  }

  private static void kernelLanes(float[] g, int at, int pixel, float[] u, int to, int apart) {
    int line = KERNEL * pixel;
    for (int column = 0; column < KERNEL; column++) {
      // G·g, kept in the rows of the result that the second pass reads.
      FloatVector a = FloatVector.fromArray(F, g, at + column * pixel);
      FloatVector b = FloatVector.fromArray(F, g, at + column * pixel + line);
      FloatVector c = FloatVector.fromArray(F, g, at + column * pixel + 2 * line);
      FloatVector half = a.add(c).mul(0.5f);
      FloatVector middle = b.mul(0.5f);
      a.intoArray(u, to + column * apart);
      half.add(middle).intoArray(u, to + (WINDOW + column) * apart);
      half.sub(middle).intoArray(u, to + (2 * WINDOW + column) * apart);
      c.intoArray(u, to + (3 * WINDOW + column) * apart);
    }
    for (int row = 0; row < WINDOW; row++) {
      int first = to + row * WINDOW * apart;
      FloatVector a = FloatVector.fromArray(F, u, first);
      FloatVector b = FloatVector.fromArray(F, u, first + apart);
      FloatVector c = FloatVector.fromArray(F, u, first + 2 * apart);
      FloatVector half = a.add(c).mul(0.5f);
      FloatVector middle = b.mul(0.5f);
      half.add(middle).intoArray(u, first + apart);
      half.sub(middle).intoArray(u, first + 2 * apart);
      c.intoArray(u, first + 3 * apart);
    }
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
