package io.github.vlm4j.backend.cpu;

import io.github.vlm4j.backend.cpu.kernel.Kernels;
import io.github.vlm4j.core.backend.Backend;
import io.github.vlm4j.core.backend.Buffer;
import io.github.vlm4j.core.backend.DeviceLimits;
import io.github.vlm4j.core.backend.Executable;
import io.github.vlm4j.core.graph.Graph;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.weights.WeightSource;
import java.util.Optional;

/** Computes on the processor's cores. Weights are read where they lie. */
final class CpuBackend implements Backend {

  private final Kernels kernels;
  private final Workers workers;
  private volatile boolean closed;

  /**
   * Opens the backend.
   *
   * @param kernels the innermost loops
   * @param threads the number of threads to compute with, at least 1
   */
  CpuBackend(Kernels kernels, int threads) {
    this.kernels = kernels;
    this.workers = new Workers(threads);
  }

  @Override
  public String name() {
    return CpuBackendProvider.NAME;
  }

  @Override
  public String description() {
    return describe(kernels, workers.size());
  }

  /** Returns what a backend of these kernels and threads says of itself. */
  static String describe(Kernels kernels, int threads) {
    return "cpu: " + threads + (threads == 1 ? " thread, " : " threads, ") + kernels.name();
  }

  @Override
  public Executable compile(Graph graph, WeightSource weights) {
    requireOpen();
    return Lowering.compile(this, Team.of(kernels, workers), graph, weights);
  }

  @Override
  public Buffer allocate(DType dtype, Shape shape) {
    requireOpen();
    return new CpuBuffer(this, dtype, shape);
  }

  @Override
  public Optional<DeviceLimits> measureLimits() {
    requireOpen();
    return Optional.of(LimitsMeasurement.measure(kernels.probe(), workers));
  }

  @Override
  public void close() {
    workers.close();
    closed = true;
  }

  /** Checks that the backend has not been closed. */
  void requireOpen() {
    if (closed) {
      throw new IllegalStateException("The cpu backend is closed");
    }
  }
}
