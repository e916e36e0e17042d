package io.github.vlm4j.backend.tornado.device;

import io.github.vlm4j.core.backend.Buffer;
import io.github.vlm4j.core.backend.Executable;
import io.github.vlm4j.core.backend.OpProfile;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A graph whose values lie on the device: inputs are sent, kernels launched, outputs fetched. */
final class TornadoExecutable implements Executable {

  private static final Logger LOG = LoggerFactory.getLogger(TornadoExecutable.class);

  /**
   * An output.
   *
   * @param value what it is
   * @param place where it lies after a run
   */
  record Output(Value value, Place place) {}

  private final DeviceMemory memory;
  private final Leaves leaves;
  private final List<Launch> launches;
  private final List<Runnable> checks;
  private final Map<String, Output> places;
  private final Map<String, Tensor> outputs = new LinkedHashMap<>();
  private boolean closed;

  TornadoExecutable(DeviceMemory memory, Program program, Map<String, Output> outputs) {
    this.memory = memory;
    this.leaves = program.leaves();
    this.launches = program.launches();
    this.checks = program.checks();
    this.places = outputs;
    outputs.forEach((name, output) -> {
      float[] numbers = new float[Math.toIntExact(output.value.shape().elements())];
      this.outputs.put(name, Tensor.ofFloats(numbers, output.value.shape().toArray()));
    });
  }

  @Override
  public Tensor input(String name) {
    requireOpen();
    return named("input", name, leaves.inputs());
  }

  @Override
  public void bind(String state, Buffer buffer) {
    requireOpen();
    named("state", state, leaves.states()).bind(memory, buffer);
  }

  @Override
  public void run() {
    synchronized (memory.monitor()) {
      long before = memory.launches();
      prepare();
      for (Launch launch : launches) {
        launch.run(memory);
      }
      fetch();
      LOG.debug("A run of {} launches", memory.launches() - before);
    }
  }

  @Override
  public void run(OpProfile profile) {
    synchronized (memory.monitor()) {
      prepare();
      for (Launch launch : launches) {
        launch.run(memory, profile);
      }
      fetch();
    }
  }

  private void prepare() {
    requireOpen();
    leaves.states().values().forEach(State::requireBound);
    checks.forEach(Runnable::run);
    leaves.sendInputs();
  }

  private void fetch() {
    places.forEach((name, output) -> {
      MemorySegment target = named("output", name, outputs).data();
      int count = (int) output.value.shape().elements();
      memory.loadFloats(output.place.getAsInt(), target, 0, count);
    });
  }

  @Override
  public Tensor output(String name) {
    requireOpen();
    return named("output", name, outputs);
  }

  @Override
  public Set<String> outputs() {
    return Collections.unmodifiableSet(outputs.keySet());
  }

  @Override
  public long activationBytes() {
    return leaves.regions().stream()
        .mapToLong(region -> (long) region.count() * region.kind().bytes())
        .sum();
  }

  @Override
  public void close() {
    synchronized (memory.monitor()) {
      if (!closed) {
        closed = true;
        leaves.regions().forEach(memory::release);
      }
    }
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("The executable is closed");
    }
    memory.requireOpen();
  }

  private static <T> T named(String kind, String name, Map<String, T> known) {
    T found = known.get(name);
    if (found == null) {
      throw new IllegalArgumentException(
          "The graph has no "
              + kind
              + " \""
              + name
              + "\"; it has "
              + known.keySet().stream().sorted().collect(Collectors.joining(", ", "[", "]")));
    }
    return found;
  }
}
