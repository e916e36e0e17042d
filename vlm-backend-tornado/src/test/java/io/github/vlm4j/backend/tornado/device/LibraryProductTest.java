package io.github.vlm4j.backend.tornado.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.github.vlm4j.backend.tornado.TornadoBackendProvider;
import io.github.vlm4j.core.backend.Backend;
import io.github.vlm4j.core.backend.Executable;
import io.github.vlm4j.core.backend.WarmUpListener;
import io.github.vlm4j.core.conformance.OracleBackend;
import io.github.vlm4j.core.graph.Activation;
import io.github.vlm4j.core.graph.Graph;
import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.core.weights.RandomWeights;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.common.LibraryTaskDescriptor;
import uk.ac.manchester.tornado.api.common.TornadoDevice;
import uk.ac.manchester.tornado.api.enums.TornadoVMBackendType;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;

/**
 * Products by a library: when there is one, what it is asked for, and the launches around it, with
 * a kernel in its place.
 */
@NeedsSdk
final class LibraryProductTest {

  private static final int ROWS = 32;
  private static final int COLUMNS = 24;
  private static final int DEPTH = 32;

  private static DeviceHeaps heaps;

  @BeforeAll
  static void findTheDevice() {
    assertThat(new TornadoBackendProvider().availability().usable()).isTrue();
    LibraryProduct.Task multiply =
        (graph, context, of) ->
            graph.task(Kernel.TASK, LibraryProductTest::multiply, context, of.x(), of.w(), of.y());
    LibraryProduct product = LibraryProduct.of(ROWS, COLUMNS, DEPTH, multiply);
    heaps = new DeviceHeaps(Devices.first(), KernelPlan::new, product);
  }

  @Test
  void onlyADeviceThatIsDrivenByCudaHasOne() {
    TornadoDevice device = Devices.first();
    assumeThat(device.getTornadoVMBackend()).isNotEqualTo(TornadoVMBackendType.CUDA);

    assertThat(LibraryProduct.find(device)).isNull();
  }

  @Test
  void whereThereIsNoLibraryTheTestOfItFailsAndTheDeviceGoesOn() {
    TornadoDevice device = Devices.first();
    assumeThat(device.getTornadoVMBackend()).isNotEqualTo(TornadoVMBackendType.CUDA);

    assertThatThrownBy(() -> Sgemm.test(device)).isNotNull();

    SelfTest.run(device);
  }

  @Test
  void whatCublasIsAskedForIsTheProductThatIsAddedToWhatIsThere() {
    FloatArray x = random(3 * 4, 1);
    FloatArray w = random(5 * 4, 2);
    FloatArray y = random(3 * 5, 3);
    float[] exact = new float[3 * 5];
    for (int i = 0; i < exact.length; i++) {
      exact[i] = y.get(i);
      for (int k = 0; k < 4; k++) {
        exact[i] += x.get(i / 5 * 4 + k) * w.get(i % 5 * 4 + k);
      }
    }

    LibraryTaskDescriptor asked = Sgemm.of(x, w, y, 3, 5, 4);

    assertThat(asked.getLibraryName()).isEqualTo("nvidia/cublas");
    assertThat(asked.getFunctionName()).isEqualTo("cublasSgemm");
    assertThat(asked.getAccess()).hasSameSizeAs(asked.getParameters());
    sgemm(asked.getParameters());
    for (int i = 0; i < exact.length; i++) {
      assertThat(y.get(i)).isCloseTo(exact[i], within(1e-5f));
    }
  }

  /**
   * BLAS's sgemm by its definition, over matrices that lie column by column: transa, transb, m, n,
   * k, alpha, a, lda, b, ldb, beta, c, ldc.
   */
  private static void sgemm(Object[] p) {
    FloatArray a = (FloatArray) p[6];
    FloatArray b = (FloatArray) p[8];
    FloatArray c = (FloatArray) p[11];
    int lda = (int) p[7];
    int ldb = (int) p[9];
    int ldc = (int) p[12];
    for (int i = 0; i < (int) p[2]; i++) {
      for (int j = 0; j < (int) p[3]; j++) {
        float sum = 0f;
        for (int l = 0; l < (int) p[4]; l++) {
          float left = a.get((int) p[0] == 0 ? i + l * lda : l + i * lda);
          float right = b.get((int) p[1] == 0 ? l + j * ldb : j + l * ldb);
          sum += left * right;
        }
        c.set(i + j * ldc, (float) p[5] * sum + (float) p[10] * c.get(i + j * ldc));
      }
    }
  }

  private static FloatArray random(int count, int seed) {
    SplittableRandom random = new SplittableRandom(seed);
    FloatArray numbers = new FloatArray(count);
    for (int i = 0; i < count; i++) {
      numbers.set(i, (float) random.nextGaussian());
    }
    return numbers;
  }

  @ParameterizedTest
  @CsvSource({
    // One block: y cleared, w and x filled, multiplied, taken.
    "F32, 32, 24, 32, 5",
    "F32, 17, 7, 5, 5",
    // Three by three blocks, each of three products.
    "F32, 70, 50, 70, 99",
    // Two bands of weights that are made f32 first, each for two blocks of rows.
    "BF16, 40, 30, 32, 20",
    "Q8_0, 33, 25, 64, 34",
    // Fewer rows than are worth it.
    "F32, 9, 24, 32, 1"
  })
  void aLinearLayerIsBlocksOfItsSize(DType dtype, int rows, int out, int in, int expected) {
    try (RandomWeights weights = new RandomWeights(dtype)) {
      GraphBuilder g = new GraphBuilder();
      Value x = g.input("x", DType.F32, rows, in);
      g.output(
          "y",
          g.linear(
              x,
              weights.require("w", Shape.of(out, in)),
              dtype == DType.Q8_0 ? null : weights.require("b", Shape.of(out))));

      // Beside what sends the input and fetches the output.
      assertThat(compare(g.build(), weights, rows, in)).isEqualTo(expected + 2);
    }
  }

  @Test
  void aGatedActivationIsComputedByTheLastOfThem() {
    try (RandomWeights weights = new RandomWeights(DType.F32)) {
      GraphBuilder g = new GraphBuilder();
      Value x = g.input("x", DType.F32, 35, 70);
      Value gate = g.linear(x, weights.require("gate", Shape.of(50, 70)), null);
      Value up = g.linear(x, weights.require("up", Shape.of(50, 70)), null);
      g.output("y", g.gate(Activation.SILU, gate, up));

      compare(g.build(), weights, 35, 70);
    }
  }

  /** Compares with the oracle; returns the launches of a run. */
  private static long compare(Graph graph, RandomWeights weights, int rows, int in) {
    float[] numbers = new float[rows * in];
    SplittableRandom random = new SplittableRandom(5);
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = (float) random.nextGaussian();
    }
    Tensor x = Tensor.ofFloats(numbers, rows, in);
    float[] expected;
    try (Backend oracle = new OracleBackend()) {
      expected = run(oracle, graph, weights, x);
    }
    try (Backend backend = new TornadoBackend(heaps, LinearShapes.SHARED, WarmUpListener.NONE);
        Executable executable = backend.compile(graph, weights)) {
      executable.input("x").copyFrom(x);
      long before = heaps.launches();
      executable.run();
      long launches = heaps.launches() - before;
      assertThat(executable.output("y").toFloats()).containsExactly(expected, within(2e-4f));
      return launches;
    }
  }

  private static float[] run(Backend backend, Graph graph, RandomWeights weights, Tensor x) {
    try (Executable executable = backend.compile(graph, weights)) {
      executable.input("x").copyFrom(x);
      executable.run();
      return executable.output("y").toFloats();
    }
  }

  /** What the library does, for the sizes above, a thread for each number. */
  public static void multiply(KernelContext context, FloatArray x, FloatArray w, FloatArray y) {
    int i = context.globalIdx;
    if (i < ROWS * COLUMNS) {
      float sum = y.get(i);
      for (int k = 0; k < DEPTH; k++) {
        sum += x.get(i / COLUMNS * DEPTH + k) * w.get(i % COLUMNS * DEPTH + k);
      }
      y.set(i, sum);
    }
  }
}
