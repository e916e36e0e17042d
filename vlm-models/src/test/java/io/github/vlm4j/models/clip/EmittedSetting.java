package io.github.vlm4j.models.clip;

import io.github.vlm4j.core.backend.Backend;
import io.github.vlm4j.core.backend.BackendOptions;
import io.github.vlm4j.core.backend.Backends;

/** Whether a backend may have emitted code, which tests of this module have not by default. */
enum EmittedSetting {
  OFF("off"),
  ON("on");

  private static final String PROPERTY = "vlm.cpu.emitted";

  private final String value;

  EmittedSetting(String value) {
    this.value = value;
  }

  /** Opens the usual backend with this setting, which the JVM keeps no longer. */
  Backend open() {
    String before = System.setProperty(PROPERTY, value);
    try {
      return Backends.find().open(null, BackendOptions.DEFAULT);
    } finally {
      if (before == null) {
        System.clearProperty(PROPERTY);
      } else {
        System.setProperty(PROPERTY, before);
      }
    }
  }
}
