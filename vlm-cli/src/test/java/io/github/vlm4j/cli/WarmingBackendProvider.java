package io.github.vlm4j.cli;

import io.github.vlm4j.core.backend.Availability;
import io.github.vlm4j.core.backend.Backend;
import io.github.vlm4j.core.backend.BackendOptions;
import io.github.vlm4j.core.backend.BackendProvider;
import io.github.vlm4j.core.backend.Backends;
import java.time.Duration;

/** The CPU backend, as if it had to compile two kernels first. */
public final class WarmingBackendProvider implements BackendProvider {

  /** Creates the provider. */
  public WarmingBackendProvider() {}

  @Override
  public String name() {
    return "warming";
  }

  @Override
  public int priority() {
    return -1000;
  }

  @Override
  public Availability availability() {
    return Availability.yes("for tests");
  }

  @Override
  public Backend open(BackendOptions options) {
    options.warmUp().compiled("first", 1, Duration.ofMillis(1200));
    options.warmUp().compiled("second", 2, Duration.ofMillis(2600));
    return Backends.find().open("cpu", options);
  }
}
