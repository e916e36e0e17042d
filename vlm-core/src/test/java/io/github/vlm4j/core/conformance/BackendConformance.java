package io.github.vlm4j.core.conformance;

import static org.junit.jupiter.api.DynamicContainer.dynamicContainer;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import io.github.vlm4j.core.backend.Backend;
import io.github.vlm4j.core.tensor.DType;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicNode;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.TestInstance;

/**
 * The suite that every backend passes. A backend's module depends on vlm-core's test artifact and
 * has a subclass that opens it:
 *
 * <pre>{@code
 * final class CpuBackendConformanceTest extends BackendConformance {
 *   @Override
 *   protected Backend open() {
 *     return new CpuBackendProvider().open(BackendOptions.DEFAULT);
 *   }
 * }
 * }</pre>
 *
 * <p>A new operation is one more entry in {@link ConformanceCases} and one more definition in
 * {@link OracleOps}.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class BackendConformance {

  private Backend backend;

  /**
   * Opens the backend, once for all tests; they close it. An assumption that fails here skips them
   * all.
   */
  protected abstract Backend open();

  /** Returns how exact the backend has to be; to be overridden if it does not compute in f32. */
  protected Tolerance tolerance() {
    return Tolerance.F32;
  }

  /**
   * Returns the types that the backend keeps caches in; to be overridden if it does not know all.
   */
  protected Set<DType> cacheTypes() {
    return EnumSet.of(DType.F32, DType.F16, DType.BF16, DType.Q8_0);
  }

  /** Opens the backend before the first test. */
  @BeforeAll
  protected void openBackend() {
    backend = open();
  }

  /** Closes it after the last, if it was opened. */
  @AfterAll
  protected void closeBackend() {
    if (backend != null) {
      backend.close();
    }
  }

  /** Compares every scenario with the oracle. */
  @TestFactory
  protected Stream<DynamicNode> computesWhatTheOracleComputes() {
    ScenarioCheck check = new ScenarioCheck(backend, tolerance());
    return ConformanceCases.all().entrySet().stream()
        .map(entry ->
            dynamicContainer(
                entry.getKey(),
                entry.getValue().stream()
                    .map(test -> dynamicTest(test.name(), () -> check.run(test.scenario())))));
  }

  /** Compares attention over caches of other types than f32 with the oracle. */
  @TestFactory
  protected Stream<DynamicNode> keepsCachesInTheTypesItKnows() {
    ScenarioCheck check = new ScenarioCheck(backend, tolerance());
    return cacheTypes().stream()
        .filter(dtype -> dtype != DType.F32)
        .map(dtype ->
            dynamicContainer(
                dtype.toString(),
                CacheCases.stored(dtype).stream()
                    .map(test -> dynamicTest(test.name(), () -> check.run(test.scenario())))));
  }

  /** Checks that memory of a type is either there or refused by name. */
  @TestFactory
  protected Stream<DynamicNode> allocatesTheTypesItKnowsAndRefusesOthers() {
    return Arrays.stream(DType.values())
        .map(dtype ->
            dynamicTest(
                dtype.toString(),
                () -> ContractChecks.allocates(backend, dtype, cacheTypes().contains(dtype))));
  }

  /** Checks what the interfaces promise besides numbers. */
  @TestFactory
  protected Stream<DynamicNode> keepsItsContract() {
    return ContractChecks.all().entrySet().stream()
        .map(entry -> dynamicTest(entry.getKey(), () -> entry.getValue().of(backend)));
  }
}
