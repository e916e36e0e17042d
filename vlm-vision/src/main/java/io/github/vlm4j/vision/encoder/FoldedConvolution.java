package io.github.vlm4j.vision.encoder;

import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.core.weights.Weight;
import io.github.vlm4j.core.weights.WeightScope;

/**
 * A convolution without bias and the batch norm behind it as one convolution (Ioffe and Szegedy,
 * 2015): in inference the norm is the affine map {@code γ·(x − mean) / √(variance + eps) + β} of
 * each channel, which the kernel and a bias can take in. Computed in double precision when first
 * read, and with the channels last, as graphs have pictures. The kernel keeps bf16 as its type, in
 * which some processors multiply faster; of any other type it becomes f32.
 */
final class FoldedConvolution {

  /** PyTorch's default, which no checkpoint says otherwise. */
  private static final double EPS = 1e-5;

  private final int size;
  private final int stride;
  private final Weight kernel;
  private final Weight bias;

  /**
   * Takes a convolution and its norm.
   *
   * @param scope what both are in
   * @param conv the convolution's name
   * @param norm the batch norm's name
   * @param size the side of the kernel
   */
  FoldedConvolution(
      WeightScope scope, String conv, String norm, int in, int out, int size, int stride) {
    this.size = size;
    this.stride = stride;
    scope.at(conv).named("Conv2d(%d → %d, kernel=%d, stride=%d)".formatted(in, out, size, stride));
    Weight stored = scope.at(conv).get("weight", out, in, size, size);
    BatchNorm batchNorm = new BatchNorm(scope.at(norm), out);
    kernel =
        scope.derive(
            conv + ".folded",
            stored.dtype() == DType.BF16 ? DType.BF16 : DType.F32,
            size == 1 ? new long[] {out, in} : new long[] {out, size, size, in},
            () -> fold(scope, stored, batchNorm.factors(scope)));
    bias = scope.derive(conv + ".folded_bias", new long[] {out}, () -> batchNorm.shifts(scope));
  }

  /** Adds it to a graph, {@code [n, h, w, in] → [n, oh, ow, out]}. */
  Value apply(GraphBuilder g, Value x) {
    return size == 1 && stride == 1
        ? g.linear(x, kernel, bias)
        : g.convolve(x, fourDimensional(), bias, stride, size / 2);
  }

  private Weight fourDimensional() {
    return size == 1 ? kernel.reshape(kernel.shape().dim(0), 1, 1, kernel.shape().dim(1)) : kernel;
  }

  /** {@code [out, in, h, w]} to {@code [out, h, w, in]}, each output times its factor. */
  private Tensor fold(WeightScope scope, Weight stored, double[] factors) {
    float[] from = stored.of(scope.source().tensor(stored.name())).toFloats();
    float[] to = new float[from.length];
    int out = (int) stored.shape().dim(0);
    int in = (int) stored.shape().dim(1);
    int area = size * size;
    for (int o = 0; o < out; o++) {
      for (int i = 0; i < in; i++) {
        for (int p = 0; p < area; p++) {
          to[(o * area + p) * in + i] = (float) (from[(o * in + i) * area + p] * factors[o]);
        }
      }
    }
    long[] dims = kernel.shape().toArray();
    return kernel.dtype() == DType.BF16
        ? Tensor.roundedToBf16(to, dims)
        : Tensor.ofFloats(to, dims);
  }

  /** A batch norm's parameters, all {@code [channels]}. */
  private record BatchNorm(Weight weight, Weight bias, Weight mean, Weight variance) {

    BatchNorm(WeightScope scope, int channels) {
      scope.named("BatchNorm2d(" + channels + ")");
      this(
          scope.get("weight", channels),
          scope.get("bias", channels),
          scope.get("running_mean", channels),
          scope.get("running_var", channels));
    }

    double[] factors(WeightScope scope) {
      float[] gamma = read(scope, weight);
      float[] spread = read(scope, variance);
      double[] factors = new double[gamma.length];
      for (int i = 0; i < factors.length; i++) {
        factors[i] = gamma[i] / Math.sqrt(spread[i] + EPS);
      }
      return factors;
    }

    Tensor shifts(WeightScope scope) {
      double[] factors = factors(scope);
      float[] beta = read(scope, bias);
      float[] centre = read(scope, mean);
      for (int i = 0; i < beta.length; i++) {
        beta[i] = (float) (beta[i] - centre[i] * factors[i]);
      }
      return Tensor.ofFloats(beta, beta.length);
    }

    private static float[] read(WeightScope scope, Weight weight) {
      return weight.of(scope.source().tensor(weight.name())).toFloats();
    }
  }
}
