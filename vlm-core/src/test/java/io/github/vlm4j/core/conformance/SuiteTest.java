package io.github.vlm4j.core.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.vlm4j.core.graph.Op;
import io.github.vlm4j.core.graph.Value;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The suite tests every operation, and notices a backend that is wrong. */
final class SuiteTest {

  /** Faults are looked for in that many cases of an operation, to keep this short. */
  private static final int CASES = 12;

  static Stream<Class<?>> computingOperations() {
    return operations()
        .filter(op -> !Set.of(Op.Input.class, Op.State.class).contains(op))
        .filter(op -> !Set.of(Op.Parameter.class, Op.Constant.class).contains(op));
  }

  private static Stream<Class<?>> operations() {
    return Arrays.stream(Op.class.getPermittedSubclasses());
  }

  @Test
  void everyOperationOccursAndEveryCaseHasItsOwnName() {
    Set<Class<?>> seen = new HashSet<>();
    Set<String> names = new HashSet<>();
    for (List<ConformanceCase> cases : ConformanceCases.all().values()) {
      for (ConformanceCase test : cases) {
        assertThat(names.add(test.name())).as(test.name()).isTrue();
      }
      // Linear has hundreds of cases of the same graph.
      cases.stream().limit(CASES).forEach(test -> seen.addAll(operations(test)));
    }
    assertThat(operations()).allSatisfy(op -> assertThat(seen).contains(op));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("computingOperations")
  void aWrongLastElementOfAnOperationFails(Class<?> operation) {
    assertThat(failures(operation, SuiteTest::lastElementWrong)).isEqualTo(CASES);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("computingOperations")
  void aResultThatIsNotANumberFails(Class<?> operation) {
    assertThat(failures(operation, SuiteTest::lastElementNotANumber)).isEqualTo(CASES);
  }

  @Test
  void roundingActivationsToBf16Fails() {
    assertThat(failures(Op.Linear.class, SuiteTest::roundedToBf16)).isGreaterThan(CASES / 2);
    assertThat(failures(Op.RmsNorm.class, SuiteTest::roundedToBf16)).isGreaterThan(CASES / 2);
  }

  @Test
  void theFailureSaysWhatWasWrongAndWhere() {
    OracleBackend broken =
        new OracleBackend((value, elements) ->
            value.op() instanceof Op.RmsNorm ? lastElementWrong(value, elements) : elements);
    ConformanceCase test = NormCases.rms().get(7);
    assertThatThrownBy(() -> new ScenarioCheck(broken, Tolerance.F32).run(test.scenario()))
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("run 1, output y")
        .hasMessageContaining("rmsNorm F32")
        .hasMessageContaining("1 of 17 elements")
        .hasMessageContaining("element 16");
  }

  @Test
  void aScenarioIsTheSameEveryTime() {
    ConformanceCase test = ModelCases.bothWays();
    Scenario first = test.scenario();
    Scenario second = test.scenario();
    for (int step = 0; step < first.steps().size(); step++) {
      assertThat(first.steps().get(step).inputs().get("ids").toInts())
          .containsExactly(second.steps().get(step).inputs().get("ids").toInts());
    }
    assertThat(first.weights().tensor("embed").toFloats())
        .containsExactly(second.weights().tensor("embed").toFloats());
  }

  /** Returns how many of the first cases of an operation notice a fault in its results. */
  private static long failures(Class<?> operation, BiFunction<Value, double[], double[]> fault) {
    OracleBackend broken =
        new OracleBackend((value, elements) ->
            operation.isInstance(value.op()) && elements.length > 0
                ? fault.apply(value, elements)
                : elements);
    ScenarioCheck check = new ScenarioCheck(broken, Tolerance.F32);
    String label =
        Character.toLowerCase(operation.getSimpleName().charAt(0))
            + operation.getSimpleName().substring(1);
    List<ConformanceCase> own = ConformanceCases.all().get(label);
    assertThat(own).as("cases of " + label).isNotNull();
    // The list is rotated by a prime so that several shapes and types are among the first.
    Stream<ConformanceCase> spread =
        Stream.iterate(5 % own.size(), i -> (i + 7919) % own.size()).map(own::get).limit(CASES);
    return spread.filter(test -> fails(check, test)).count();
  }

  private static boolean fails(ScenarioCheck check, ConformanceCase test) {
    try {
      check.run(test.scenario());
      return false;
    } catch (AssertionError expected) {
      return true;
    }
  }

  private static Set<Class<?>> operations(ConformanceCase test) {
    Set<Class<?>> seen = new HashSet<>();
    for (Scenario.Step step : test.scenario().steps()) {
      step.graph().values().forEach(value -> seen.add(value.op().getClass()));
    }
    return seen;
  }

  private static double[] lastElementWrong(Value value, double[] elements) {
    double[] wrong = elements.clone();
    int last = wrong.length - 1;
    double size = Math.max(Math.abs(wrong[last]), ErrorScale.largest(elements));
    wrong[last] += 0.01 * size + 1e-3;
    return wrong;
  }

  private static double[] lastElementNotANumber(Value value, double[] elements) {
    double[] wrong = elements.clone();
    wrong[wrong.length - 1] = Double.NaN;
    return wrong;
  }

  private static double[] roundedToBf16(Value value, double[] elements) {
    return Arrays.stream(elements)
        .map(x -> Float.intBitsToFloat(Float.floatToRawIntBits((float) x) & 0xffff0000))
        .toArray();
  }
}
