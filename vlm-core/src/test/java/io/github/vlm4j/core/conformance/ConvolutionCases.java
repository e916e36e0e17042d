package io.github.vlm4j.core.conformance;

import io.github.vlm4j.core.graph.Activation;
import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.weights.Weight;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Convolutions with kernels of each stored type, and average pooling. */
final class ConvolutionCases {

  private static final List<DType> TYPES = List.of(DType.F32, DType.F16, DType.BF16);

  /** Height and width of pictures, of which some fit no kernel. */
  private static final int[][] PICTURES = {{1, 1}, {3, 3}, {7, 5}, {8, 8}, {13, 16}, {29, 28}};

  /** Channels in and out. */
  private static final int[][] CHANNELS = {{1, 1}, {3, 5}, {4, 8}, {17, 9}, {32, 64}};

  /**
   * A convolution.
   *
   * @param picture n, height, width, channels
   * @param kernel out, height, width
   */
  private record Sizes(int[] picture, int[] kernel, int stride, int padding) {

    boolean fits() {
      return picture[1] + 2 * padding >= kernel[1] && picture[2] + 2 * padding >= kernel[2];
    }

    Value convolve(ScenarioBuilder s, DType type, boolean bias) {
      Value x = s.input("x", picture[0], picture[1], picture[2], picture[3]);
      Weight w = s.weight("w", type, kernel[0], kernel[1], kernel[2], picture[3]);
      Weight b = bias ? s.weight("b", type, kernel[0]) : null;
      return s.g().convolve(x, w, b, stride, padding);
    }

    @Override
    public String toString() {
      return "%s with %d kernels of %d×%d, stride %d, padding %d"
          .formatted(Arrays.toString(picture), kernel[0], kernel[1], kernel[2], stride, padding);
    }
  }

  private ConvolutionCases() {}

  static List<ConformanceCase> convolve() {
    List<ConformanceCase> cases = new ArrayList<>();
    for (int[] picture : PICTURES) {
      for (int[] channels : CHANNELS) {
        for (int kernel : new int[] {1, 2, 3, 7}) {
          for (int stride : new int[] {1, 2, 14}) {
            for (int padding : new int[] {0, 1, 3}) {
              Sizes sizes =
                  new Sizes(
                      new int[] {1 + kernel % 2, picture[0], picture[1], channels[0]},
                      new int[] {channels[1], kernel, kernel},
                      stride,
                      padding);
              if (sizes.fits()) {
                DType type = TYPES.get(cases.size() % TYPES.size());
                cases.add(convolve(sizes, type, padding == 1 || stride == 14));
              }
            }
          }
        }
      }
    }
    for (DType type : TYPES) {
      // A kernel that is not square, one larger than the picture, many pictures, a row of pixels.
      cases.add(convolve(sizes(2, 9, 12, 6, 10, 2, 5, 1, 0), type, true));
      cases.add(convolve(sizes(1, 3, 2, 5, 4, 7, 7, 1, 3), type, false));
      cases.add(convolve(sizes(5, 6, 7, 12, 20, 3, 3, 1, 1), type, true));
      cases.add(convolve(sizes(1, 1, 40, 8, 6, 1, 3, 2, 0), type, true));
      // A patch embedding, a stem, a bottleneck's middle, and its last at one picture and four.
      cases.add(convolve(sizes(1, 42, 56, 3, 70, 14, 14, 14, 0), type, false));
      cases.add(convolve(sizes(1, 31, 30, 3, 16, 3, 3, 2, 1), type, true));
      cases.add(convolve(sizes(1, 14, 14, 64, 64, 3, 3, 1, 1), type, true));
      cases.add(convolve(sizes(1, 7, 7, 130, 140, 3, 3, 1, 1), type, true));
      cases.add(convolve(sizes(4, 7, 7, 72, 96, 3, 3, 1, 1), type, true));
      cases.add(convolve(sizes(3, 20, 21, 48, 24, 1, 1, 1, 0), type, true));
      // Channels that fill no vector, borders on all sides, several pictures, bands of outputs.
      cases.add(convolve(sizes(2, 15, 12, 19, 150, 3, 3, 1, 1), type, true));
      cases.add(convolve(sizes(1, 40, 9, 33, 17, 3, 3, 1, 2), type, false));
      // More bands of outputs than threads, of few places and of more; more places than are held.
      cases.add(convolve(sizes(1, 7, 8, 48, 290, 3, 3, 1, 1), type, true));
      cases.add(convolve(sizes(1, 19, 23, 20, 270, 3, 3, 1, 1), type, true));
      cases.add(convolve(sizes(3, 26, 25, 200, 16, 3, 3, 1, 1), type, true));
      cases.add(placed(type, InMemoryWeights.Placement.ODD));
      cases.add(placed(type, InMemoryWeights.Placement.HEAP));
      cases.add(kernelRanges(type));
      cases.add(followed(type));
    }
    cases.add(ofView());
    cases.add(mixedTypes());
    return cases;
  }

  static List<ConformanceCase> averagePool() {
    List<ConformanceCase> cases = new ArrayList<>();
    for (int[] picture : new int[][] {{1, 1}, {2, 2}, {7, 5}, {8, 12}, {15, 14}}) {
      for (int channels : new int[] {1, 3, 8, 17, 64}) {
        for (int[] window : new int[][] {{1, 1}, {2, 2}, {3, 3}, {2, 5}, {7, 1}}) {
          if (window[0] <= picture[0] && window[1] <= picture[1]) {
            cases.add(averagePool(1 + channels % 3, picture, channels, window));
          }
        }
      }
    }
    cases.add(averagePool(2, new int[] {56, 56}, 32, new int[] {2, 2}));
    cases.add(averagePool(1, new int[] {24, 24}, 10, new int[] {24, 24}));
    return cases;
  }

  private static Sizes sizes(
      int n,
      int height,
      int width,
      int in,
      int out,
      int kernelHeight,
      int kernelWidth,
      int stride,
      int padding) {
    return new Sizes(
        new int[] {n, height, width, in},
        new int[] {out, kernelHeight, kernelWidth},
        stride,
        padding);
  }

  private static ConformanceCase convolve(Sizes sizes, DType type, boolean bias) {
    return new ConformanceCase(
        "convolve %s %s%s".formatted(sizes, type, bias ? " bias" : ""),
        s -> {
          s.g().output("y", sizes.convolve(s, type, bias));
          if (sizes.picture[1] * sizes.picture[2] > 100) {
            s.run();
          }
        });
  }

  private static ConformanceCase placed(DType type, InMemoryWeights.Placement placement) {
    return new ConformanceCase(
        "convolve %s, weights %s".formatted(type, placement),
        s -> {
          s.place(placement);
          s.g().output("y", sizes(2, 6, 5, 7, 11, 3, 3, 1, 1).convolve(s, type, true));
        });
  }

  private static ConformanceCase kernelRanges(DType type) {
    return new ConformanceCase(
        "convolve with ranges of kernels, and with a matrix seen as kernels " + type,
        s -> {
          GraphBuilder g = s.g();
          Value x = s.input("x", 2, 6, 5, 4);
          Weight w = s.weight("w", type, 24, 3, 2, 4);
          Weight b = s.weight("b", type, 24);
          g.output("first", g.convolve(x, w.rows(0, 7), b.rows(0, 7), 1, 0));
          g.output("middle", g.convolve(x, w.rows(7, 20), b.rows(7, 20), 2, 1));
          Weight matrix = s.weight("matrix", type, 9, 16);
          g.output("matrix", g.convolve(x, matrix.reshape(9, 2, 2, 4), null, 2, 0));
        });
  }

  /** What a backend may compute together with a convolution. */
  private static ConformanceCase followed(DType type) {
    return new ConformanceCase(
        "convolve followed by what reads its result " + type,
        s -> {
          GraphBuilder g = s.g();
          Value x = s.input("x", 2, 6, 5, 20);
          Weight w = s.weight("w", type, 20, 3, 3, 20);
          Weight b = s.weight("b", type, 20);
          Value once = g.activate(Activation.RELU, g.convolve(x, w, b, 1, 1));
          Value twice = g.convolve(once, w, null, 1, 1);
          g.output("residual", g.activate(Activation.RELU, g.add(twice, x)));
          Value read = g.convolve(x, w, b, 1, 1);
          g.output("kept", read);
          g.output("activated", g.activate(Activation.RELU, read));
          g.output("gelu", g.activate(Activation.QUICK_GELU, g.convolve(x, w, b, 2, 1)));
          Value added = g.convolve(x, w, b, 1, 1).plus(g.parameter(s.weight("c", type, 20)));
          g.output("shifted", g.activate(Activation.RELU, added));
          Value other = g.convolve(once, w, b, 1, 1);
          g.output("both", g.add(other, g.activate(Activation.RELU, other)));
          g.output("swapped", g.add(x, g.convolve(once, w, b, 1, 1)));
        });
  }

  private static ConformanceCase ofView() {
    return new ConformanceCase(
        "convolve of some pictures, of tokens seen as a picture, and seen as tokens",
        s -> {
          GraphBuilder g = s.g();
          Weight w = s.weight("w", DType.F32, 10, 3, 3, 6);
          Value x = s.input("x", 4, 5, 6, 6);
          g.output("some", g.convolve(x.rows(1, 3), w, null, 1, 1));
          Value doubled = x.plus(x);
          g.output("computed", g.convolve(doubled.rows(2, 4), w, null, 2, 0));
          Value tokens = g.convolve(doubled.reshape(2, 10, 6, 6), w, null, 1, 0).reshape(-1, 10);
          g.output("tokens", g.linear(tokens, s.weight("o", DType.F32, 4, 10), null));
        });
  }

  private static ConformanceCase mixedTypes() {
    return new ConformanceCase(
        "convolve with a bias of another type than the kernel",
        s -> {
          GraphBuilder g = s.g();
          Value x = s.input("x", 1, 5, 5, 9);
          for (DType type : TYPES) {
            for (DType biasType : TYPES) {
              Weight w = s.weight("w" + type + biasType, type, 10, 3, 3, 9);
              Weight b = s.weight("b" + type + biasType, biasType, 10);
              g.output(type + " with " + biasType, g.convolve(x, w, b, 1, 1));
            }
          }
        });
  }

  private static ConformanceCase averagePool(int n, int[] picture, int channels, int[] window) {
    return new ConformanceCase(
        "averagePool [%d, %d, %d, %d] by %d×%d"
            .formatted(n, picture[0], picture[1], channels, window[0], window[1]),
        s -> {
          GraphBuilder g = s.g();
          Value x = s.input("x", n, picture[0], picture[1], channels);
          g.output("of input", g.averagePool(x, window[0], window[1]));
          g.output("of computed", g.averagePool(x.times(x), window[0], window[1]));
        });
  }
}
