package io.github.vlm4j.backend.cpu.scalar;

import io.github.vlm4j.backend.cpu.kernel.AttentionTask;
import io.github.vlm4j.backend.cpu.kernel.FewQueriesLoops;
import io.github.vlm4j.backend.cpu.kernel.Kernels;
import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.backend.cpu.kernel.PanelLoops;
import io.github.vlm4j.backend.cpu.kernel.Probe;
import io.github.vlm4j.backend.cpu.kernel.Runs;
import io.github.vlm4j.backend.cpu.kernel.StoredRows;
import io.github.vlm4j.backend.cpu.kernel.Winograd;
import io.github.vlm4j.core.BackendException;
import io.github.vlm4j.core.graph.Activation;
import io.github.vlm4j.core.graph.RopePairing;
import io.github.vlm4j.core.quant.BlockCodec;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Every kernel as its formula reads. Sums are accumulated in double precision, so that the vector
 * forms can be held against it.
 */
public final class ScalarKernels implements Kernels {

  private static final int QUERY_TILE = 16;

  /** Creates the kernels; they keep no state. */
  public ScalarKernels() {}

  @Override
  public Kernels over(PanelLoops panels) {
    return this;
  }

  @Override
  public Kernels over(FewQueriesLoops fewQueries) {
    return this;
  }

  @Override
  public String name() {
    return "scalar";
  }

  @Override
  public void matVec(
      Matrix w,
      int fromRow,
      int toRow,
      float[] x,
      int xAt,
      float @Nullable [] bias,
      float[] y,
      int yAt,
      float[] scratch) {
    for (int row = fromRow; row < toRow; row++) {
      double sum = rowDot(w, row, x, xAt);
      y[yAt + row] = (float) (bias == null ? sum : sum + bias[row]);
    }
  }

  @Override
  public int matVecScratch(int k) {
    return 0;
  }

  /** Without registers to fill there is nothing to gain from another order: packed is a copy. */
  @Override
  public int packedFloats(int n, int k) {
    return Math.multiplyExact(n, k);
  }

  @Override
  public int inputTile() {
    return 1;
  }

  @Override
  public void packInputs(
      float[] x, int xAt, int n, int k, float[] packed, int packedAt, int fromTile, int toTile) {
    System.arraycopy(
        x, xAt + fromTile * k, packed, packedAt + fromTile * k, (toTile - fromTile) * k);
  }

  @Override
  public int matMulScratch(int k) {
    return k;
  }

  @Override
  public int outputTile() {
    return 1;
  }

  @Override
  public void matMul(
      float[] packed,
      int packedAt,
      int n,
      Matrix w,
      int fromRow,
      int toRow,
      float @Nullable [] bias,
      float[] y,
      int yAt,
      int outputs,
      float[] scratch) {
    int k = w.columns();
    for (int row = fromRow; row < toRow; row++) {
      decodeRow(w, row, scratch, 0);
      double shift = bias == null ? 0 : bias[row];
      for (int i = 0; i < n; i++) {
        double sum = sumOfProducts(packed, packedAt + i * k, scratch, 0, k);
        y[yAt + i * outputs + row] = (float) (sum + shift);
      }
    }
  }

  @Override
  public int runTile() {
    return 1;
  }

  @Override
  public int packedWeightFloats(int outputs, int k) {
    return Math.multiplyExact(outputs, Math.addExact(k, 1));
  }

  @Override
  public int weightTile() {
    return 1;
  }

  @Override
  public void packWeights(
      Matrix w,
      float @Nullable [] bias,
      int fromRow,
      int toRow,
      float[] packed,
      int packedAt,
      float[] scratch) {
    for (int row = fromRow, to = packedAt; row < toRow; row++, to += 1 + w.columns()) {
      packed[to] = bias == null ? 0 : bias[row];
      decodeRow(w, row, packed, to + 1);
    }
  }

  @Override
  public void packColumns(Matrix w, int fromColumn, int toColumn, float[] packed, int packedAt) {
    int k = w.rows();
    for (int column = fromColumn, to = packedAt; column < toColumn; column++, to += 1 + k) {
      packed[to] = 0;
      for (int row = 0; row < k; row++) {
        packed[to + 1 + row] = element(w, row, column);
      }
    }
  }

  @Override
  public int runScratch() {
    return 0;
  }

  @Override
  public void multiplyRuns(
      float[] x,
      int xAt,
      Runs inputs,
      int fromInput,
      int toInput,
      float[] packed,
      int packedAt,
      int fromRow,
      int toRow,
      float[] y,
      int yAt,
      int outputs,
      float[] scratch) {
    int length = inputs.length();
    for (int input = fromInput; input < toInput; input++) {
      for (int row = fromRow; row < toRow; row++) {
        int weights = packedAt + (row - fromRow) * (1 + inputs.size());
        double sum = packed[weights];
        for (int run = 0; run < inputs.runs(); run++) {
          int from = xAt + inputs.starts()[input] + run * inputs.apart();
          sum += sumOfProducts(x, from, packed, weights + 1 + run * length, length);
        }
        y[yAt + input * outputs + row] = (float) sum;
      }
    }
  }

  @Override
  public int attendScratch(int headDim, int valueDim) {
    return ScalarAttention.scratchFloats(headDim, valueDim);
  }

  @Override
  public int queryTile() {
    return QUERY_TILE;
  }

  @Override
  public void attend(AttentionTask task, int firstQuery, int lastQuery, float[] scratch) {
    ScalarAttention.attend(this, task, firstQuery, lastQuery, scratch);
  }

  @Override
  public void decodeRows(Matrix table, int row, int rows, float[] y, int yAt) {
    for (int i = 0; i < rows; i++) {
      decodeRow(table, row + i, y, yAt + i * table.columns());
    }
  }

  @Override
  public void decodeRow(Matrix table, int row, float[] y, int yAt) {
    long at = table.rowOffset(row);
    int n = table.columns();
    switch (table.dtype()) {
      case F32 -> {
        for (int i = 0; i < n; i++) {
          y[yAt + i] = table.data().get(Tensor.F32, at + 4L * i);
        }
      }
      case F16 -> StoredRows.decodeF16(table, row, y, yAt);
      case BF16 -> {
        for (int i = 0; i < n; i++) {
          y[yAt + i] = bf16(table.data().get(Tensor.BITS16, at + 2L * i));
        }
      }
      case Q8_0, Q4_0, Q4_K, Q6_K -> {
        int blocks = n / table.dtype().blockElements();
        BlockCodec.of(table.dtype()).decode(table.data(), at, blocks, y, yAt);
      }
      default -> throw unsupported(table.dtype());
    }
  }

  @Override
  public void addScaledRow(Matrix table, int row, float scale, float[] y, int yAt) {
    long at = table.rowOffset(row);
    int n = table.columns();
    switch (table.dtype()) {
      case F32 -> {
        for (int i = 0; i < n; i++) {
          y[yAt + i] += scale * table.data().get(Tensor.F32, at + 4L * i);
        }
      }
      case F16 -> {
        for (int i = 0; i < n; i++) {
          y[yAt + i] += scale * Float.float16ToFloat(table.data().get(Tensor.BITS16, at + 2L * i));
        }
      }
      case BF16 -> {
        for (int i = 0; i < n; i++) {
          y[yAt + i] += scale * bf16(table.data().get(Tensor.BITS16, at + 2L * i));
        }
      }
      default -> {
        for (int i = 0; i < n; i++) {
          y[yAt + i] += scale * element(table, row, i);
        }
      }
    }
  }

  @Override
  public void addScaledRows(
      Matrix w, int fromRow, int toRow, float[] x, int xAt, float[] y, int yAt) {
    for (int column = 0; column < w.columns(); column++) {
      double sum = y[yAt + column];
      for (int row = fromRow; row < toRow; row++) {
        sum += (double) element(w, row, column) * x[xAt + row];
      }
      y[yAt + column] = (float) sum;
    }
  }

  @Override
  public void rmsNorm(
      float[] x, int xAt, float[] weight, float eps, float[] y, int yAt, int rows, int n) {
    for (int row = 0; row < rows; row++) {
      int from = xAt + row * n;
      int to = yAt + row * n;
      double meanSquare = sumOfProducts(x, from, x, from, n) / n;
      double factor = 1 / Math.sqrt(meanSquare + eps);
      for (int i = 0; i < n; i++) {
        y[to + i] = (float) (x[from + i] * factor * weight[i]);
      }
    }
  }

  @Override
  public void layerNorm(
      float[] x,
      int xAt,
      float[] weight,
      float[] bias,
      float eps,
      float[] y,
      int yAt,
      int rows,
      int n) {
    for (int row = 0; row < rows; row++) {
      int from = xAt + row * n;
      int to = yAt + row * n;
      double sum = 0;
      for (int i = 0; i < n; i++) {
        sum += x[from + i];
      }
      double mean = sum / n;
      double squares = 0;
      for (int i = 0; i < n; i++) {
        double distance = x[from + i] - mean;
        squares += distance * distance;
      }
      double factor = 1 / Math.sqrt(squares / n + eps);
      for (int i = 0; i < n; i++) {
        y[to + i] = (float) ((x[from + i] - mean) * factor * weight[i] + bias[i]);
      }
    }
  }

  @Override
  public void add(float[] a, int aAt, float[] b, int bAt, float[] y, int yAt, int n) {
    for (int i = 0; i < n; i++) {
      y[yAt + i] = a[aAt + i] + b[bAt + i];
    }
  }

  @Override
  public void multiply(float[] a, int aAt, float[] b, int bAt, float[] y, int yAt, int n) {
    for (int i = 0; i < n; i++) {
      y[yAt + i] = a[aAt + i] * b[bAt + i];
    }
  }

  @Override
  public void activate(Activation activation, float[] x, int xAt, float[] y, int yAt, int n) {
    for (int i = 0; i < n; i++) {
      y[yAt + i] = (float) activate(activation, x[xAt + i]);
    }
  }

  @Override
  public void gate(
      Activation activation,
      float[] gate,
      int gateAt,
      float[] up,
      int upAt,
      float[] y,
      int yAt,
      int n) {
    for (int i = 0; i < n; i++) {
      y[yAt + i] = (float) (activate(activation, gate[gateAt + i]) * up[upAt + i]);
    }
  }

  private static double activate(Activation activation, double x) {
    return switch (activation) {
      case GELU -> Gaussian.gelu(x);
      case GELU_TANH ->
          0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
      case QUICK_GELU -> x / (1 + Math.exp(-1.702 * x));
      case SILU -> x / (1 + Math.exp(-x));
      case RELU -> Math.max(x, 0);
    };
  }

  @Override
  public void rope(
      RopePairing pairing,
      float[] x,
      int xAt,
      float[] cos,
      int cosAt,
      float[] sin,
      int sinAt,
      int r,
      float[] y,
      int yAt,
      int heads,
      int headDim) {
    int step = pairing == RopePairing.HALVES ? 1 : 2;
    int partner = pairing == RopePairing.HALVES ? r : 1;
    for (int head = 0; head < heads; head++) {
      int from = xAt + head * headDim;
      int to = yAt + head * headDim;
      for (int i = 0; i < r; i++) {
        float a = x[from + i * step];
        float b = x[from + i * step + partner];
        float c = cos[cosAt + i];
        float s = sin[sinAt + i];
        y[to + i * step] = a * c - b * s;
        y[to + i * step + partner] = b * c + a * s;
      }
      System.arraycopy(x, from + 2 * r, y, to + 2 * r, headDim - 2 * r);
    }
  }

  @Override
  public void softmax(float[] x, int xAt, int n) {
    float highest = Float.NEGATIVE_INFINITY;
    for (int i = 0; i < n; i++) {
      highest = Math.max(highest, x[xAt + i]);
    }
    double sum = 0;
    for (int i = 0; i < n; i++) {
      x[xAt + i] = (float) Math.exp((double) x[xAt + i] - highest);
      sum += x[xAt + i];
    }
    for (int i = 0; i < n; i++) {
      x[xAt + i] = (float) (x[xAt + i] / sum);
    }
  }

  @Override
  public float dot(float[] a, int aAt, float[] b, int bAt, int n) {
    return (float) sumOfProducts(a, aAt, b, bAt, n);
  }

  /** Four sums, because each addition waits for the one before it in its own sum. */
  static double sumOfProducts(float[] a, int aAt, float[] b, int bAt, int n) {
    double s0 = 0;
    double s1 = 0;
    double s2 = 0;
    double s3 = 0;
    int i = 0;
    for (; i < n - 3; i += 4) {
      s0 += (double) a[aAt + i] * b[bAt + i];
      s1 += (double) a[aAt + i + 1] * b[bAt + i + 1];
      s2 += (double) a[aAt + i + 2] * b[bAt + i + 2];
      s3 += (double) a[aAt + i + 3] * b[bAt + i + 3];
    }
    for (; i < n; i++) {
      s0 += (double) a[aAt + i] * b[bAt + i];
    }
    return s0 + s1 + (s2 + s3);
  }

  private static double rowDot(Matrix w, int row, float[] x, int xAt) {
    long at = w.rowOffset(row);
    int n = w.columns();
    double sum = 0;
    switch (w.dtype()) {
      case F32 -> {
        for (int i = 0; i < n; i++) {
          sum += (double) w.data().get(Tensor.F32, at + 4L * i) * x[xAt + i];
        }
      }
      case F16 -> {
        for (int i = 0; i < n; i++) {
          short bits = w.data().get(Tensor.BITS16, at + 2L * i);
          sum += (double) Float.float16ToFloat(bits) * x[xAt + i];
        }
      }
      case BF16 -> {
        for (int i = 0; i < n; i++) {
          sum += (double) bf16(w.data().get(Tensor.BITS16, at + 2L * i)) * x[xAt + i];
        }
      }
      default -> {
        for (int i = 0; i < n; i++) {
          sum += (double) element(w, row, i) * x[xAt + i];
        }
      }
    }
    return sum;
  }

  private static float element(Matrix w, int row, int column) {
    int size = w.dtype().blockElements();
    long at = w.rowOffset(row) + (long) (column / size) * w.dtype().blockBytes();
    return switch (w.dtype()) {
      case F32 -> w.data().get(Tensor.F32, at);
      case F16 -> Float.float16ToFloat(w.data().get(Tensor.BITS16, at));
      case BF16 -> bf16(w.data().get(Tensor.BITS16, at));
      case Q8_0, Q4_0, Q4_K, Q6_K -> BlockCodec.of(w.dtype()).decode(w.data(), at, column % size);
      default -> throw unsupported(w.dtype());
    };
  }

  private static float bf16(short bits) {
    return Float.intBitsToFloat(bits << 16);
  }

  private static BackendException unsupported(DType dtype) {
    return new BackendException(
        "The cpu backend cannot compute with "
            + dtype
            + " weights; it takes F32, F16, BF16, Q8_0, Q4_0, Q4_K and Q6_K.");
  }

  @Override
  public Winograd winograd() {
    return new ScalarWinograd();
  }

  @Override
  public Probe probe() {
    return new ScalarProbe();
  }
}
