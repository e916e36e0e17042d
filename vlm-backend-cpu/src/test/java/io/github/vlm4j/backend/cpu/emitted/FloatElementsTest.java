package io.github.vlm4j.backend.cpu.emitted;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.management.ThreadMXBean;
import io.github.vlm4j.backend.cpu.kernel.ElementLoops;
import io.github.vlm4j.backend.cpu.kernel.Kernels;
import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.backend.cpu.kernel.StoredRows;
import io.github.vlm4j.backend.cpu.vector.VectorKernels;
import io.github.vlm4j.core.graph.Activation;
import io.github.vlm4j.core.graph.RopePairing;
import io.github.vlm4j.core.tensor.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.Optional;
import java.util.Random;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Emitted operations by element compute what the Vector API's form does, to the last bit. */
class FloatElementsTest {

  private static final Kernels VECTOR = new VectorKernels();

  /** Not whole vectors, and not from the beginning of an array. */
  private static final int N = 2 * FloatElements.LEAST + 13;

  private static final int FROM = 5;
  private static final int TO = 3;

  private static FloatElements emitted;

  @BeforeAll
  static void make() {
    Optional<FloatTile> tile = FloatTile.of(VECTOR.inputTile(), CpuFeatures.ask());
    assumeTrue(tile.isPresent(), "The processor has no vectors as long as the kernels'");
    emitted = FloatElements.make(tile.orElseThrow(), VECTOR, Arena.ofAuto());
  }

  @ParameterizedTest
  @EnumSource
  void activations(Activation activation) {
    float[] x = numbers(N + FROM);
    assertSame((loops, y) -> loops.activate(activation, x, FROM, y, TO, N));
  }

  @ParameterizedTest
  @EnumSource
  void activationsInPlace(Activation activation) {
    float[] x = numbers(N + TO);
    assertSame((loops, y) -> {
      System.arraycopy(x, 0, y, 0, x.length);
      loops.activate(activation, y, TO, y, TO, N);
    });
  }

  @ParameterizedTest
  @EnumSource
  void gates(Activation activation) {
    float[] gate = numbers(N + FROM);
    float[] up = numbers(N + 1);
    assertSame((loops, y) -> loops.gate(activation, gate, FROM, up, 1, y, TO, N));
  }

  /** The last parts of a sweep over weights have few gates each. */
  @ParameterizedTest
  @EnumSource
  void fewActivationsAndGates(Activation activation) {
    float[] gate = numbers(N + FROM);
    float[] up = numbers(N + 1);
    for (int n = 0; n <= 40; n++) {
      int few = n;
      assertSame((loops, y) -> loops.activate(activation, gate, FROM + few, y, TO, few));
      assertSame((loops, y) -> loops.gate(activation, gate, FROM, up, few, y, TO, few));
    }
  }

  @Test
  void sumsAndProducts() {
    float[] a = numbers(N + FROM);
    float[] b = numbers(N + 1);
    assertSame((loops, y) -> loops.add(a, FROM, b, 1, y, TO, N));
    assertSame((loops, y) -> loops.multiply(a, FROM, b, 1, y, TO, N));
  }

  @ParameterizedTest
  @CsvSource({"1, 2048", "70, 16", "12, 80", "9, 336", "40, 33", "2, 16"})
  void norms(int rows, int n) {
    float[] x = finite(rows * n + FROM);
    float[] weight = finite(n);
    float[] shift = finite(n);
    assertSame((loops, y) -> loops.rmsNorm(x, FROM, weight, 1e-6f, y, TO, rows, n));
    assertSame((loops, y) -> loops.layerNorm(x, FROM, weight, shift, 1e-5f, y, TO, rows, n));
    assertSame(
        (loops, y) -> loops.layerNorm(x, FROM, weight, shift, 1e-5f, y, FROM, rows, n),
        (loops, y) -> {
          System.arraycopy(x, FROM, y, FROM, rows * n);
          loops.layerNorm(y, FROM, weight, shift, 1e-5f, y, FROM, rows, n);
        });
    assertSame(
        (loops, y) -> loops.rmsNorm(x, FROM, weight, 1e-6f, y, FROM, rows, n),
        (loops, y) -> {
          System.arraycopy(x, FROM, y, FROM, rows * n);
          loops.rmsNorm(y, FROM, weight, 1e-6f, y, FROM, rows, n);
        });
  }

  @ParameterizedTest
  @CsvSource({"16, 64, 32", "8, 128, 64", "40, 32, 16", "20, 96, 32", "30, 72, 36"})
  void rope(int heads, int headDim, int r) {
    float[] x = finite(heads * headDim + FROM);
    float[] cos = finite(r + 2);
    float[] sin = finite(r + 1);
    for (RopePairing pairing : RopePairing.values()) {
      assertSame(
          (loops, y) -> loops.rope(pairing, x, FROM, cos, 2, sin, 1, r, y, TO, heads, headDim));
      assertSame((loops, y) -> {
        System.arraycopy(x, 0, y, 0, x.length);
        loops.rope(pairing, y, FROM, cos, 2, sin, 1, r, y, FROM, heads, headDim);
      });
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "F16", "BF16", "Q8_0"})
  void storedRows(DType type) {
    for (int columns : new int[] {1024, 32, 1056, 96}) {
      int rows = 100;
      MemorySegment data = Arena.ofAuto().allocate(type.bytes(rows * columns), 64);
      Matrix table = new Matrix(type, data, rows, columns);
      float[] x = finite(rows * columns);
      for (int row = 0; row < rows; row++) {
        StoredRows.encode(x, row * columns, table, row);
      }
      assertSame((loops, y) -> loops.decodeRow(table, 3, y, TO));
      assertSame((loops, y) -> loops.decodeRows(table, 4, 2048 / columns, y, TO));
      assertSame(
          (loops, y) -> {
            for (int i = 0; i < 2048 / columns; i++) {
              loops.decodeRow(table, 4 + i, y, TO + i * columns);
            }
          },
          (loops, y) -> loops.decodeRows(table, 4, 2048 / columns, y, TO));
      assertSame((loops, y) -> {
        System.arraycopy(x, 0, y, 0, columns);
        loops.addScaledRow(table, 2, -0.75f, y, TO);
      });
    }
  }

  @Test
  void f16IsReadWhateverItsBits() {
    MemorySegment data = Arena.ofAuto().allocate(2 << 16, 64);
    for (int bits = 0; bits < 1 << 16; bits++) {
      data.setAtIndex(ValueLayout.JAVA_SHORT, bits, (short) bits);
    }
    Matrix table = new Matrix(DType.F16, data, 1, 1 << 16);
    float[] y = new float[1 << 16];
    emitted.decodeRow(table, 0, y, 0);
    for (int bits = 0; bits < y.length; bits++) {
      assertThat(Float.floatToIntBits(y[bits]))
          .isEqualTo(Float.floatToIntBits(Float.float16ToFloat((short) bits)));
    }
  }

  @Test
  void callsOfAnExecutableAllocateNothing() {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    ElementLoops loops = emitted.over(VECTOR);
    float[] x = finite(N);
    float[] weight = finite(64);
    long thread = Thread.currentThread().threadId();
    long least = Long.MAX_VALUE;
    for (int batch = 0; batch < 1000 && least > 0; batch++) {
      long before = threads.getThreadAllocatedBytes(thread);
      for (int i = 0; i < 20; i++) {
        loops.add(x, 0, x, 0, x, 0, N);
        loops.gate(Activation.SILU, x, 0, x, 0, x, 0, N);
        loops.rmsNorm(x, 0, weight, 1e-6f, x, 0, 32, 64);
        loops.rope(RopePairing.HALVES, x, 0, weight, 0, weight, 0, 32, x, 0, 32, 64);
      }
      least = Math.min(least, threads.getThreadAllocatedBytes(thread) - before);
    }
    assertThat(least).isZero();
  }

  @Test
  void whatDoesNotLieInAnArrayIsRefused() {
    float[] x = new float[N];
    float[] few = new float[16];
    assertThatThrownBy(() -> emitted.add(x, 0, x, 0, x, 1, N))
        .isInstanceOf(IndexOutOfBoundsException.class);
    Matrix table = new Matrix(DType.F32, MemorySegment.ofArray(x), 1, N - 13);
    assertThatThrownBy(() -> emitted.decodeRow(table, 1, x, 0))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> emitted.activate(Activation.SILU, x, -1, x, 0, N))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> emitted.rmsNorm(x, 0, few, 1e-6f, x, 0, 64, 32))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> emitted.layerNorm(x, 0, x, few, 1e-6f, x, 0, 64, 32))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> emitted.rope(RopePairing.HALVES, x, 0, few, 0, x, 0, 32, x, 0, 16, 64))
        .isInstanceOf(IndexOutOfBoundsException.class);
  }

  /** Computes with both, into arrays that hold something else before and behind. */
  private static void assertSame(BiConsumer<ElementLoops, float[]> operation) {
    assertSame(operation, operation);
  }

  private static void assertSame(
      BiConsumer<ElementLoops, float[]> inVectors, BiConsumer<ElementLoops, float[]> inEmitted) {
    float[] expected = new float[4 * N];
    Arrays.fill(expected, 42);
    float[] actual = expected.clone();
    inVectors.accept(VECTOR, expected);
    inEmitted.accept(emitted, actual);
    for (int i = 0; i < expected.length; i++) {
      // Zeros may differ in sign.
      if (expected[i] != actual[i]) {
        assertThat(Float.floatToIntBits(actual[i]))
            .as("element %d: %s for %s", i, actual[i], expected[i])
            .isEqualTo(Float.floatToIntBits(expected[i]));
      }
    }
  }

  /** Numbers of all sizes, and what is none. */
  private static float[] numbers(int count) {
    float[] numbers = finite(count);
    Random random = new Random(7);
    for (int i = 0; i < count; i += 3) {
      numbers[i] = (random.nextFloat() - 0.5f) * (float) Math.pow(10, random.nextInt(-40, 38));
    }
    float[] special = {
      0f,
      -0f,
      Float.NaN,
      Float.POSITIVE_INFINITY,
      Float.NEGATIVE_INFINITY,
      Float.MAX_VALUE,
      -Float.MAX_VALUE,
      Float.MIN_VALUE,
      87.3f,
      -87.3f,
      87.34f,
      -87.34f,
      88.7f,
      -88.7f,
      88.73f,
      -88.73f,
      89f,
      -89f,
      104f,
      -104f,
      128f,
      -128f,
      52.1f,
      -52.1f
    };
    for (int i = 0; i < special.length; i++) {
      numbers[40 + 7 * i] = special[i];
    }
    return numbers;
  }

  private static float[] finite(int count) {
    Random random = new Random(count);
    float[] numbers = new float[count];
    for (int i = 0; i < count; i++) {
      numbers[i] = (float) random.nextGaussian() * 3;
    }
    return numbers;
  }
}
