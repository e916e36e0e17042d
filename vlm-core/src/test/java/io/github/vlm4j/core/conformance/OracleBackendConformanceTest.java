package io.github.vlm4j.core.conformance;

import io.github.vlm4j.core.backend.Backend;

/** The suite can be passed. */
final class OracleBackendConformanceTest extends BackendConformance {

  @Override
  protected Backend open() {
    return new OracleBackend();
  }
}
