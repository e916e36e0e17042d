package io.github.vlm4j.backend.cpu.scalar;

import io.github.vlm4j.backend.cpu.kernel.Kernels;
import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.backend.cpu.kernel.Winograd;
import org.jspecify.annotations.Nullable;

/** The transforms as products with their matrices. */
public final class ScalarWinograd implements Winograd {

  private static final double[][] G = {{1, 0, 0}, {0.5, 0.5, 0.5}, {0.5, -0.5, 0.5}, {0, 0, 1}};
  private static final double[][] B = {{1, 0, -1, 0}, {0, 1, 1, 0}, {0, -1, 1, 0}, {0, 1, 0, -1}};
  private static final double[][] A = {{1, 1, 1, 0}, {0, 1, -1, -1}};

  private final Kernels kernels = new ScalarKernels();

  /** Creates the transforms; they keep no state. */
  public ScalarWinograd() {}

  @Override
  public int packScratch(int outputs, int channels) {
    return KERNEL * KERNEL * channels;
  }

  /** As {@link ScalarKernels#packWeights} does: the bias of each output, then its weights. */
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
    int channels = w.columns() / (KERNEL * KERNEL);
    int to = packedAt;
    for (int row = fromRow; row < toRow; row++) {
      kernels.decodeRow(w, row, scratch, 0);
      for (int point = 0; point < POINTS; point++) {
        packed[to + point * apart] = bias != null && point == CENTRE ? bias[row] : 0;
      }
      transform(scratch, channels, packed, to + 1, apart);
      to += 1 + channels;
    }
  }

  private static void transform(float[] g, int channels, float[] u, int uAt, int apart) {
    for (int c = 0; c < channels; c++) {
      for (int i = 0; i < POINTS; i++) {
        double sum = 0;
        for (int row = 0; row < KERNEL; row++) {
          for (int column = 0; column < KERNEL; column++) {
            double factor = G[i / WINDOW][row] * G[i % WINDOW][column];
            sum += factor * g[(row * KERNEL + column) * channels + c];
          }
        }
        u[uAt + i * apart + c] = (float) sum;
      }
    }
  }

  @Override
  public void window(
      float[] x, int xAt, int pixel, int line, int channels, float[] v, int vAt, int apart) {
    for (int c = 0; c < channels; c++) {
      for (int i = 0; i < POINTS; i++) {
        double sum = 0;
        for (int row = 0; row < WINDOW; row++) {
          for (int column = 0; column < WINDOW; column++) {
            double factor = B[i / WINDOW][row] * B[i % WINDOW][column];
            sum += factor * x[xAt + row * line + column * pixel + c];
          }
        }
        v[vAt + i * apart + c] = (float) sum;
      }
    }
  }

  @Override
  public void results(
      float[] m, int mAt, int apart, int channels, float[] y, int yAt, int pixel, int line) {
    for (int row = 0; row < (line == 0 ? 1 : RESULTS); row++) {
      for (int column = 0; column < (pixel == 0 ? 1 : RESULTS); column++) {
        for (int c = 0; c < channels; c++) {
          double sum = 0;
          for (int i = 0; i < POINTS; i++) {
            sum += A[row][i / WINDOW] * A[column][i % WINDOW] * m[mAt + i * apart + c];
          }
          y[yAt + row * line + column * pixel + c] = (float) sum;
        }
      }
    }
  }
}
