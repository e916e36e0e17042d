package io.github.vlm4j.backend.cpu;

import io.github.vlm4j.core.BackendException;
import io.github.vlm4j.core.backend.Buffer;
import io.github.vlm4j.core.backend.Executable;
import io.github.vlm4j.core.backend.OpProfile;
import io.github.vlm4j.core.tensor.Tensor;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** A graph as a list of steps over memory of its own. */
final class CpuExecutable implements Executable {

  /** A state and what is bound to it. */
  private static final class Binding {
    final String name;
    final Leaves.State state;
    @Nullable CpuBuffer buffer;

    Binding(String name, Leaves.State state) {
      this.name = name;
      this.state = state;
    }
  }

  private final CpuBackend backend;
  private final Map<String, Tensor> inputs;
  private final Map<String, Tensor> outputs;
  private final Binding[] bindings;
  private final long activationBytes;
  private Timed[] steps;
  private boolean closed;

  /**
   * Creates an executable.
   *
   * @param steps the operations in order
   */
  CpuExecutable(
      CpuBackend backend,
      List<Timed> steps,
      Map<String, Tensor> inputs,
      Map<String, Leaves.State> states,
      Map<String, Tensor> outputs,
      long activationBytes) {
    this.backend = backend;
    this.steps = steps.toArray(Timed[]::new);
    this.inputs = inputs;
    this.outputs = outputs;
    this.bindings =
        states.entrySet().stream()
            .map(entry -> new Binding(entry.getKey(), entry.getValue()))
            .toArray(Binding[]::new);
    this.activationBytes = activationBytes;
  }

  @Override
  public Tensor input(String name) {
    requireOpen();
    return named("input", name, inputs);
  }

  @Override
  public void bind(String state, Buffer buffer) {
    requireOpen();
    for (Binding binding : bindings) {
      if (binding.name.equals(state)) {
        bind(binding, buffer);
        return;
      }
    }
    throw new IllegalArgumentException(
        "The graph has no state \""
            + state
            + "\"; it has "
            + List.of(bindings).stream().map(binding -> binding.name).sorted().toList());
  }

  private static void bind(Binding binding, Buffer buffer) {
    if (!(buffer instanceof CpuBuffer own)) {
      throw new IllegalArgumentException(
          "The buffer for state \"" + binding.name + "\" was not allocated by the cpu backend");
    }
    if (own.dtype() != binding.state.dtype() || !own.shape().equals(binding.state.shape())) {
      throw new IllegalArgumentException(
          "A buffer of "
              + own.dtype()
              + own.shape()
              + " cannot hold state \""
              + binding.name
              + "\" of "
              + binding.state.dtype()
              + binding.state.shape());
    }
    binding.state.bind(own);
    binding.buffer = own;
  }

  @Override
  public void run() {
    requireReady();
    for (Timed timed : steps) {
      timed.step().run();
    }
  }

  @Override
  public void run(OpProfile profile) {
    requireReady();
    for (Timed timed : steps) {
      timed.run(profile);
    }
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
    return activationBytes;
  }

  @Override
  public void close() {
    closed = true;
    steps = new Timed[0];
    inputs.clear();
    outputs.clear();
    for (Binding binding : bindings) {
      binding.buffer = null;
      binding.state.release();
    }
  }

  private void requireReady() {
    requireOpen();
    for (Binding binding : bindings) {
      if (binding.buffer == null) {
        throw new BackendException(
            "The state \""
                + binding.name
                + "\" "
                + binding.state.shape()
                + " is not bound; bind a buffer of that shape before running the graph.");
      }
      binding.buffer.requireOpen();
    }
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("The executable is closed");
    }
    backend.requireOpen();
  }

  private static Tensor named(String kind, String name, Map<String, Tensor> tensors) {
    Tensor tensor = tensors.get(name);
    if (tensor == null) {
      throw new IllegalArgumentException(
          "The graph has no "
              + kind
              + " \""
              + name
              + "\"; it has "
              + tensors.keySet().stream().sorted().collect(Collectors.joining(", ", "[", "]")));
    }
    return tensor;
  }
}
