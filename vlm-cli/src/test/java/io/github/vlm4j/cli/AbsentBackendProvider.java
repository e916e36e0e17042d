package io.github.vlm4j.cli;

import io.github.vlm4j.core.backend.Availability;
import io.github.vlm4j.core.backend.Backend;
import io.github.vlm4j.core.backend.BackendOptions;
import io.github.vlm4j.core.backend.BackendProvider;

/** A backend that is there but cannot run, as one for a device that the machine has not. */
public final class AbsentBackendProvider implements BackendProvider {

  /** Creates the provider. */
  public AbsentBackendProvider() {}

  @Override
  public String name() {
    return "absent";
  }

  @Override
  public int priority() {
    return 1000;
  }

  @Override
  public Availability availability() {
    return Availability.no("there is no such device");
  }

  @Override
  public Backend open(BackendOptions options) {
    throw new AssertionError("opened although it is not usable");
  }
}
