package io.github.vlm4j.cli;

import io.github.vlm4j.core.backend.BackendOptions;
import io.github.vlm4j.models.LoadOptions;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Options of every command that runs a model. */
final class ModelOptions {

  @Spec(Spec.Target.MIXEE)
  CommandSpec command = CommandSpec.create();

  @Option(
      names = "--backend",
      paramLabel = "NAME",
      description = "What to compute with (see: vlm backends). Default: the best usable one.")
  @Nullable String backend;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "Threads to compute with. Default: the number of physical cores.")
  @Nullable Integer threads;

  @Option(
      names = "--device",
      paramLabel = "ID",
      description = "What device to compute on (see: vlm backends). Default: the backend's choice.")
  @Nullable String device;

  /** Returns how a model is opened; what is compiled for a device is shown on the terminal. */
  LoadOptions loadOptions(Terminal terminal) {
    return new LoadOptions(backend, backendOptions(terminal));
  }

  /** Returns how a backend is opened; what it compiles for a device is shown on the terminal. */
  BackendOptions backendOptions(Terminal terminal) {
    if (threads != null && threads < 1) {
      throw new ParameterException(
          command.commandLine(), "--threads must be at least 1, not " + threads);
    }
    return new BackendOptions(threads == null ? 0 : threads)
        .withDevice(device)
        .withWarmUp((kernel, kernels, total) ->
            terminal.progress(
                "Compiling kernels for the device: %d in %.1f s"
                    .formatted(kernels, total.toMillis() / 1e3)));
  }
}
