package io.github.vlm4j.core.backend;

import io.github.vlm4j.core.BackendException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.ServiceLoader;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The backends that the class or module path offers. One is chosen by its name or, without one, by
 * priority among those that can run here.
 */
public final class Backends {

  /** The system property that names the backend when the caller does not. */
  public static final String PROPERTY = "vlm.backend";

  private final List<BackendProvider> providers;

  /** Takes the given providers instead of looking for them. */
  public Backends(List<BackendProvider> providers) {
    this.providers =
        providers.stream()
            .sorted(
                Comparator.comparingInt(BackendProvider::priority)
                    .reversed()
                    .thenComparing(BackendProvider::name))
            .toList();
  }

  /** Finds the providers by {@link ServiceLoader}. */
  public static Backends find() {
    List<BackendProvider> found = new ArrayList<>();
    ServiceLoader.load(BackendProvider.class).forEach(found::add);
    return new Backends(found);
  }

  /** Returns all providers, the highest priority first. */
  public List<BackendProvider> providers() {
    return providers;
  }

  /**
   * Opens a backend.
   *
   * @param name the provider's name; null takes the system property {@value #PROPERTY}, or else the
   *     usable backend of the highest priority
   * @param options how to open it
   * @throws BackendException if the name is unknown, its backend cannot run here, or it has no such
   *     device; the message lists what there is
   */
  public Backend open(@Nullable String name, BackendOptions options) {
    String wanted = name == null ? System.getProperty(PROPERTY) : name;
    if (wanted == null) {
      return providers.stream()
          .filter(provider -> provider.availability().usable())
          .filter(provider -> options.device() == null || has(provider, options.device()))
          .findFirst()
          .orElseThrow(() -> new BackendException(nothing(options) + listing()))
          .open(options);
    }
    BackendProvider provider =
        providers.stream()
            .filter(candidate -> candidate.name().equals(wanted))
            .findFirst()
            .orElseThrow(
                () -> new BackendException("There is no backend \"" + wanted + "\"" + listing()));
    Availability availability = provider.availability();
    if (!availability.usable()) {
      throw new BackendException(
          "The backend \"" + wanted + "\" cannot run here: " + availability.detail() + listing());
    }
    if (options.device() != null && !has(provider, options.device())) {
      throw new BackendException(
          "The backend \""
              + wanted
              + "\" has no device \""
              + options.device()
              + "\" to choose; it has "
              + provider.devices().stream().map(BackendDevice::id).toList()
              + ".");
    }
    return provider.open(options);
  }

  private static boolean has(BackendProvider provider, String device) {
    return provider.devices().stream().anyMatch(known -> known.id().equals(device));
  }

  private static String nothing(BackendOptions options) {
    return options.device() == null
        ? "No backend can run here"
        : "No backend that can run here has a device \"" + options.device() + "\"";
  }

  private String listing() {
    if (providers.isEmpty()) {
      return "; none is on the class path or module path, add vlm-backend-cpu.";
    }
    return providers.stream()
        .map(provider -> {
          Availability availability = provider.availability();
          return provider.name() + (availability.usable() ? " (usable)" : " (not usable)");
        })
        .collect(Collectors.joining(", ", "; there is: ", "."));
  }
}
