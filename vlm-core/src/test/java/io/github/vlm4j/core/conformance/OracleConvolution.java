package io.github.vlm4j.core.conformance;

import io.github.vlm4j.core.graph.Op;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.tensor.Shape;
import java.util.List;

/** Convolution and pooling in double precision, one output pixel at a time. */
final class OracleConvolution {

  private OracleConvolution() {}

  static double[] convolve(Op.Convolve op, Value value, List<double[]> in) {
    Shape kernel = value.operands().get(1).shape();
    int out = extent(kernel, 0);
    double[] patches = patches(op, value, in.get(0));
    int size = Math.toIntExact(kernel.elements() / kernel.dim(0));
    double[] result = new double[patches.length / size * out];
    for (int i = 0; i < result.length; i++) {
      int patch = i / out * size;
      int row = i % out * size;
      double sum = in.size() == 3 ? in.get(2)[i % out] : 0;
      for (int j = 0; j < size; j++) {
        sum += patches[patch + j] * in.get(1)[row + j];
      }
      result[i] = sum;
    }
    return result;
  }

  /** Returns what the kernel sees at each place, {@code [n, oh, ow, kh, kw, in]}. */
  static double[] patches(Op.Convolve op, Value value, double[] x) {
    Shape picture = value.operands().get(0).shape();
    Shape kernel = value.operands().get(1).shape();
    int height = extent(picture, 1);
    int width = extent(picture, 2);
    int channels = extent(picture, 3);
    double[] patches =
        new double[Math.toIntExact(value.shape().rows() * (kernel.elements() / kernel.dim(0)))];
    int at = 0;
    for (int n = 0; n < extent(picture, 0); n++) {
      for (int i = 0; i < extent(value.shape(), 1); i++) {
        for (int j = 0; j < extent(value.shape(), 2); j++) {
          for (int u = 0; u < extent(kernel, 1); u++) {
            for (int v = 0; v < extent(kernel, 2); v++) {
              int row = i * op.stride() + u - op.padding();
              int column = j * op.stride() + v - op.padding();
              boolean inside = row >= 0 && row < height && column >= 0 && column < width;
              for (int c = 0; c < channels; c++) {
                patches[at++] =
                    inside ? x[((n * height + row) * width + column) * channels + c] : 0;
              }
            }
          }
        }
      }
    }
    return patches;
  }

  static double[] averagePool(Op.AveragePool op, Value value, double[] x) {
    Shape picture = value.operands().get(0).shape();
    int height = extent(picture, 1);
    int width = extent(picture, 2);
    int channels = extent(picture, 3);
    int rows = extent(value.shape(), 1);
    int columns = extent(value.shape(), 2);
    double[] result = new double[Math.toIntExact(value.shape().elements())];
    for (int i = 0; i < result.length; i++) {
      int c = i % channels;
      int column = i / channels % columns * op.width();
      int row = i / channels / columns % rows * op.height();
      int n = i / channels / columns / rows;
      double sum = 0;
      for (int u = row; u < row + op.height(); u++) {
        for (int v = column; v < column + op.width(); v++) {
          sum += x[((n * height + u) * width + v) * channels + c];
        }
      }
      result[i] = sum / (op.height() * op.width());
    }
    return result;
  }

  private static int extent(Shape shape, int axis) {
    return Math.toIntExact(shape.dim(axis));
  }
}
