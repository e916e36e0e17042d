package io.github.vlm4j.backend.tornado.device;

import io.github.vlm4j.core.backend.Backend;
import io.github.vlm4j.core.backend.Buffer;
import io.github.vlm4j.core.backend.Executable;
import io.github.vlm4j.core.graph.Graph;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.weights.WeightSource;
import uk.ac.manchester.tornado.api.common.TornadoDevice;

/** Computes on one device of TornadoVM. Runs of several threads go one after the other. */
final class TornadoBackend implements Backend {

  private final DeviceMemory memory;
  private final WeightStore weights;

  TornadoBackend(TornadoDevice device) {
    this.memory = new DeviceMemory(device);
    this.weights = new WeightStore(memory);
  }

  @Override
  public String name() {
    return "tornado";
  }

  @Override
  public String description() {
    return "tornado: " + Devices.describe(memory.device());
  }

  @Override
  public Executable compile(Graph graph, WeightSource source) {
    synchronized (memory) {
      memory.requireOpen();
      return Lowering.compile(memory, weights, graph, source);
    }
  }

  @Override
  public Buffer allocate(DType dtype, Shape shape) {
    return new TornadoBuffer(memory, dtype, shape);
  }

  @Override
  public void close() {
    memory.close();
  }
}
