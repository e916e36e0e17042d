package io.github.vlm4j.backend.tornado.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.vlm4j.backend.tornado.TornadoBackendProvider;
import io.github.vlm4j.core.BackendException;
import io.github.vlm4j.core.backend.Backend;
import io.github.vlm4j.core.backend.Buffer;
import io.github.vlm4j.core.backend.Executable;
import io.github.vlm4j.core.backend.WarmUpListener;
import io.github.vlm4j.core.graph.Graph;
import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.core.weights.RandomWeights;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import uk.ac.manchester.tornado.api.common.TornadoDevice;

/** A device that disappears between two runs: one sentence, no hang, and no numbers of before. */
@NeedsSdk
@Timeout(value = 2, unit = TimeUnit.MINUTES)
final class LostDeviceTest {

  /** What a device does when it is told to run a kernel. */
  private enum Device {
    PRESENT,
    /** Its driver reports the failure. */
    FAILING,
    /** Its driver reports nothing, as TornadoVM's for OpenCL, which only prints what went wrong. */
    SILENT
  }

  private final TornadoDevice device;
  private final DeviceHeaps heaps;
  private Device state = Device.PRESENT;
  private int opened;
  private int closed;

  LostDeviceTest() {
    assertThat(new TornadoBackendProvider().availability().usable()).isTrue();
    device = Devices.first();
    heaps =
        new DeviceHeaps(
            device,
            (on, arrays, clock) -> {
              opened++;
              return new Removable(new KernelPlan(on, arrays, clock));
            },
            null);
  }

  /** The launcher of a device that can be taken away. */
  private final class Removable implements KernelLauncher {

    private final KernelLauncher present;

    Removable(KernelLauncher present) {
      this.present = present;
    }

    @Override
    public void launch(Kernel kernel, int threads, int... first) {
      run(() -> present.launch(kernel, threads, first));
    }

    @Override
    public void launchGroups(Kernel kernel, int groups, int... all) {
      run(() -> present.launchGroups(kernel, groups, all));
    }

    @Override
    public void loadHeaps() {
      run(present::loadHeaps);
    }

    private void run(Runnable launch) {
      switch (state) {
        case PRESENT -> launch.run();
        case FAILING -> throw new BackendException("The device fell off the bus.");
        case SILENT -> {}
      }
    }

    @Override
    public void close() {
      closed++;
      present.close();
    }
  }

  @ParameterizedTest
  @CsvSource({
    // What it does, what it does when all is closed, and whether anything on it is freed then.
    "FAILING, FAILING, 0",
    "FAILING, SILENT, 0",
    "FAILING, PRESENT, 1",
    "SILENT, SILENT, 0",
    // TornadoVM would release what the silent launches should have made.
    "SILENT, PRESENT, 0"
  })
  void itIsAnErrorUntilAllIsClosed(Device lost, Device whenClosed, int freed) {
    String first = lost == Device.FAILING ? "The device fell off the bus." : "no longer answers";
    Backend backend = open();
    Executable executable = backend.compile(doubled(), new RandomWeights(DType.F32));
    Buffer buffer = backend.allocate(DType.F32, Shape.of(1, 4, 2));
    requireDoubled(executable, 3);

    state = lost;
    assertThatThrownBy(() -> requireDoubled(executable, 4))
        .isInstanceOf(BackendException.class)
        .hasMessageContaining(first);
    // Even if it comes back: what lay on it may have changed.
    state = Device.PRESENT;
    requireLost(executable::run);
    requireLost(() -> backend.allocate(DType.F32, Shape.of(1, 4, 2)));
    requireLost(() -> backend.compile(doubled(), new RandomWeights(DType.F32)));
    requireLost(() -> buffer.read(Tensor.ofFloats(new float[8], 1, 4, 2)));
    requireLost(this::open);

    state = whenClosed;
    buffer.close();
    executable.close();
    backend.close();
    assertThat(closed).isEqualTo(freed);

    state = Device.PRESENT;
    try (Backend again = open();
        Executable other = again.compile(doubled(), new RandomWeights(DType.F32))) {
      requireDoubled(other, 5);
    }
    assertThat(opened).isEqualTo(2);
  }

  @Test
  void aHeapThatGrowsDoesNotLoseWhatItHeldWithoutAnError() {
    try (Backend backend = open();
        Executable executable = backend.compile(doubled(), new RandomWeights(DType.F32))) {
      requireDoubled(executable, 3);
      state = Device.SILENT;
      assertThatThrownBy(() -> backend.allocate(DType.F32, Shape.of(1, 24 << 20, 1)))
          .isInstanceOf(BackendException.class)
          .hasMessageContaining("no longer answers");
      state = Device.PRESENT;
      requireLost(executable::run);
    }
  }

  private Backend open() {
    return new TornadoBackend(heaps, LinearShapes.PLAIN, WarmUpListener.NONE);
  }

  private void requireLost(Runnable use) {
    assertThatThrownBy(use::run)
        .isInstanceOf(BackendException.class)
        .hasMessageMatching("The device .* was lost, and all that lay on it \\(.*\\); close .*\\.")
        .hasMessageContaining(device.getPhysicalDevice().getDeviceName().strip());
  }

  private static void requireDoubled(Executable executable, float x) {
    executable.input("x").copyFrom(Tensor.ofFloats(new float[] {x, -x}, 1, 2));
    executable.run();
    assertThat(executable.output("y").toFloats()).containsExactly(2 * x, -2 * x);
  }

  private static Graph doubled() {
    GraphBuilder g = new GraphBuilder();
    Value x = g.input("x", DType.F32, 1, 2);
    g.output("y", g.add(x, x));
    return g.build();
  }
}
