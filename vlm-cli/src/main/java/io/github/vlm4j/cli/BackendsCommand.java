package io.github.vlm4j.cli;

import io.github.vlm4j.core.backend.Availability;
import io.github.vlm4j.core.backend.Backend;
import io.github.vlm4j.core.backend.BackendDevice;
import io.github.vlm4j.core.backend.BackendOptions;
import io.github.vlm4j.core.backend.BackendProvider;
import io.github.vlm4j.core.backend.Backends;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;

/** {@code vlm backends}: what can compute here. */
@Command(
    name = "backends",
    description =
        "Lists what models can run on here, why not on what cannot be used, and what the "
            + "machine has.",
    mixinStandardHelpOptions = true)
final class BackendsCommand implements Callable<Integer> {

  private final Terminal terminal;

  BackendsCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() {
    List<BackendProvider> providers = Backends.find().providers();
    if (providers.isEmpty()) {
      terminal.out().println("No backend was found; add vlm-backend-cpu to the class path.");
    }
    for (BackendProvider provider : providers) {
      Availability availability = provider.availability();
      line(
          provider.name(),
          availability.usable()
              ? "usable      " + description(provider)
              : "not usable  " + availability.detail());
      for (BackendDevice device : provider.devices()) {
        line("", "device " + device.id() + "  " + describe(device));
      }
    }
    terminal.out().println();
    line(
        "Processor",
        Machine.cpuName().map(name -> name + ", ").orElse("")
            + System.getProperty("os.arch")
            + ", "
            + Runtime.getRuntime().availableProcessors()
            + " logical processors");
    List<String> features = Machine.cpuFeatures();
    if (!features.isEmpty()) {
      line("CPU features", String.join(" ", features));
    }
    line("Memory", InspectCommand.bytes(Machine.memoryBytes()));
    line("Java", System.getProperty("java.vm.name") + " " + Runtime.version());
    return Main.OK;
  }

  /** Opens a backend, which then knows best what it runs on. */
  private static String description(BackendProvider provider) {
    try (Backend backend = provider.open(BackendOptions.DEFAULT)) {
      return backend.description();
    }
  }

  private static String describe(BackendDevice device) {
    return device.description() + ", " + InspectCommand.bytes(device.memoryBytes());
  }

  private void line(String what, String value) {
    terminal.out().printf(Locale.ROOT, "%-14s %s%n", what, value);
  }
}
