package io.github.vlm4j.backend.cpu;

import io.github.vlm4j.backend.cpu.emitted.EmittedKernels;
import io.github.vlm4j.backend.cpu.kernel.AttentionLoops;
import io.github.vlm4j.backend.cpu.kernel.Kernels;
import io.github.vlm4j.backend.cpu.kernel.RoundedLoops;
import io.github.vlm4j.core.backend.Backend;
import io.github.vlm4j.core.backend.Buffer;
import io.github.vlm4j.core.backend.DeviceLimits;
import io.github.vlm4j.core.backend.Executable;
import io.github.vlm4j.core.graph.Graph;
import io.github.vlm4j.core.graph.Op;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.weights.WeightSource;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Computes on the processor's cores. Weights are read where they lie. */
final class CpuBackend implements Backend {

  private final Kernels kernels;
  private final Emission emission;
  private final Workers workers;
  private volatile boolean closed;

  /**
   * Opens the backend without emitted kernels.
   *
   * @param kernels the innermost loops
   * @param threads the number of threads to compute with, at least 1
   */
  CpuBackend(Kernels kernels, int threads) {
    this(kernels, Emission.of(null), threads);
  }

  /**
   * Opens the backend.
   *
   * @param kernels the innermost loops
   * @param emission makes what goes before them where it can
   * @param threads the number of threads to compute with, at least 1
   */
  CpuBackend(Kernels kernels, Emission emission, int threads) {
    this.kernels = kernels;
    this.emission = emission;
    this.workers = new Workers(threads);
  }

  @Override
  public String name() {
    return CpuBackendProvider.NAME;
  }

  @Override
  public String description() {
    EmittedKernels emitted = emission.kernels();
    return describe(kernels, workers.size()) + (emitted == null ? "" : " + " + emitted.name());
  }

  /** Returns what a backend of these kernels and threads says of itself, but for emitted ones. */
  static String describe(Kernels kernels, int threads) {
    return "cpu: " + threads + (threads == 1 ? " thread, " : " threads, ") + kernels.name();
  }

  private Team team(Graph graph) {
    EmittedKernels emitted = emission.kernels();
    if (emitted == null) {
      return Team.of(kernels, null, kernels, kernels, workers);
    }
    AttentionLoops rounded = attention(graph, emitted);
    Kernels all = emitted.kernels();
    return Team.of(all, emitted, rounded == null ? all : rounded, emitted.elements(all), workers);
  }

  /** Returns attention as exact as the products with all weights of the graph, if there is any. */
  private static @Nullable AttentionLoops attention(Graph graph, EmittedKernels emitted) {
    int parts = 0;
    for (Value value : graph.values()) {
      if (value.op() instanceof Op.Linear) {
        RoundedLoops loops = emitted.rounded(value.operands().get(1).dtype());
        if (loops == null) {
          return null;
        }
        parts = Math.max(parts, loops.parts());
      }
    }
    return emitted.attention(parts);
  }

  @Override
  public Executable compile(Graph graph, WeightSource weights) {
    requireOpen();
    Team team = team(graph);
    LargePages.askFor(graph, weights);
    return Lowering.compile(this, team, graph, weights);
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
