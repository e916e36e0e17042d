package io.github.vlm4j.backend.tornado.device;

import io.github.vlm4j.core.backend.Backend;
import io.github.vlm4j.core.backend.Buffer;
import io.github.vlm4j.core.backend.Executable;
import io.github.vlm4j.core.backend.WarmUpListener;
import io.github.vlm4j.core.graph.Graph;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.weights.WeightSource;

/** Computes on one device of TornadoVM. Runs of several threads go one after the other. */
final class TornadoBackend implements Backend {

  private final LinearShapes shapes;
  private final DeviceMemory memory;
  private final PowersOfTwo powers;
  private final WeightStore weights;

  TornadoBackend(DeviceHeaps heaps, LinearShapes shapes, WarmUpListener listener) {
    this.shapes = shapes;
    this.memory = new DeviceMemory(heaps, listener);
    this.powers = new PowersOfTwo(memory);
    this.weights = new WeightStore(memory, powers);
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
    synchronized (memory.monitor()) {
      memory.requireOpen();
      weights.reserve(source, graph);
      return Lowering.compile(memory, shapes, powers, weights, graph, source);
    }
  }

  @Override
  public Buffer allocate(DType dtype, Shape shape) {
    return new TornadoBuffer(memory, powers, dtype, shape);
  }

  @Override
  public void close() {
    memory.close();
  }
}
