package io.github.vlm4j.text.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.vlm4j.core.InputException;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SamplingOptionsTest {

  private static void refuses(String option, UnaryOperator<SamplingOptions> change) {
    assertThatThrownBy(() -> change.apply(SamplingOptions.GREEDY))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("The " + option + " must be");
  }

  @ParameterizedTest
  @ValueSource(doubles = {-0.1, 101, Double.NaN, Double.POSITIVE_INFINITY})
  void aNumberOutOfItsRangeIsNamed(double value) {
    refuses("temperature", options -> options.withTemperature(value));
    refuses("top-p", options -> options.withTopP(value));
    refuses("min-p", options -> options.withMinP(value));
    refuses("repetition penalty", options -> options.withRepetitionPenalty(value));
  }

  @Test
  void theLimitsThemselvesAreNamedWhereTheyDoNotCount() {
    refuses("top-k", options -> options.withTopK(-1));
    refuses("top-p", options -> options.withTopP(0));
    refuses("presence penalty", options -> options.withPresencePenalty(-101));
    refuses("presence penalty", options -> options.withPresencePenalty(Double.NaN));
  }

  @Test
  void eachCopyChangesOneOption() {
    SamplingOptions options =
        SamplingOptions.GREEDY
            .withTemperature(0.7)
            .withTopK(20)
            .withTopP(0.8)
            .withMinP(0.1)
            .withRepetitionPenalty(1.1)
            .withPresencePenalty(1.5)
            .withSeed(42);
    assertThat(options).isEqualTo(new SamplingOptions(0.7, 20, 0.8, 0.1, 1.1, 1.5, 42));
    assertThat(options.greedy()).isFalse();
    assertThat(SamplingOptions.GREEDY.greedy()).isTrue();
  }
}
