package io.github.vlm4j.text.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.vlm4j.core.ModelException;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class SamplerTest {

  private static final SamplingOptions PLAIN = SamplingOptions.GREEDY.withTemperature(1);

  /** Made by tools/reference/qwen3vl from transformers' logit processors. */
  static Stream<Named<JsonNode>> referenceCases() throws IOException {
    try (InputStream file = SamplerTest.class.getResourceAsStream("/generate/sampling.json")) {
      JsonNode cases = new ObjectMapper().readTree(Objects.requireNonNull(file)).get("cases");
      return StreamSupport.stream(cases.spliterator(), false)
          .map(node -> Named.of(node.get("vector").asText() + " " + node.get("options"), node))
          .toList()
          .stream();
    }
  }

  @ParameterizedTest
  @MethodSource("referenceCases")
  void distributionsEqualTheReference(JsonNode given) {
    JsonNode settings = given.get("options");
    SamplingOptions options =
        PLAIN
            .withTemperature(settings.path("temperature").asDouble(1))
            .withTopK(settings.path("topK").asInt(0))
            .withTopP(settings.path("topP").asDouble(1))
            .withMinP(settings.path("minP").asDouble(0))
            .withRepetitionPenalty(settings.path("repetitionPenalty").asDouble(1));
    float[] logits = floats(given.get("logits"));
    Sampler sampler = new Sampler(options, logits.length);
    sampler.read(
        StreamSupport.stream(given.get("history").spliterator(), false)
            .mapToInt(JsonNode::asInt)
            .toArray());

    double[] expected = softmax(given.get("expected"));
    double[] actual = sampler.distribution(logits);
    for (int id = 0; id < expected.length; id++) {
      assertThat(actual[id]).as("token " + id).isCloseTo(expected[id], within(1e-6));
      assertThat(actual[id] > 0).as("token " + id + " stays").isEqualTo(expected[id] > 0);
    }
  }

  /** A null is a removed token. */
  private static double[] softmax(JsonNode scores) {
    double[] weights =
        StreamSupport.stream(scores.spliterator(), false)
            .mapToDouble(score -> score.isNull() ? 0 : Math.exp(score.asDouble()))
            .toArray();
    double total = Arrays.stream(weights).sum();
    return Arrays.stream(weights).map(weight -> weight / total).toArray();
  }

  private static float[] floats(JsonNode list) {
    float[] values = new float[list.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) list.get(i).asDouble();
    }
    return values;
  }

  @Test
  void greedyTakesTheLikeliestAndOfEqualOnesTheFirst() {
    assertThat(new Sampler(SamplingOptions.GREEDY, 4).next(new float[] {1, 3, 3, 2})).isEqualTo(1);
  }

  @Test
  void drawsFollowTheDistribution() {
    float[] logits = {0, 1, 2, -1};
    Sampler sampler = new Sampler(PLAIN.withSeed(5), logits.length);
    int draws = 40_000;
    int[] counts = new int[logits.length];
    for (int i = 0; i < draws; i++) {
      counts[sampler.next(logits)]++;
    }
    double[] expected = new Sampler(PLAIN, logits.length).distribution(logits);
    for (int id = 0; id < logits.length; id++) {
      // Five standard deviations of a count.
      double tolerance = 5 * Math.sqrt(expected[id] * (1 - expected[id]) / draws);
      assertThat(counts[id] / (double) draws).isCloseTo(expected[id], within(tolerance));
    }
  }

  @Test
  void whatIsCutOffIsNeverDrawn() {
    SplittableRandom random = new SplittableRandom(3);
    Sampler sampler = new Sampler(PLAIN.withTopK(3), 50);
    for (int i = 0; i < 500; i++) {
      float[] logits = new float[50];
      for (int id = 0; id < logits.length; id++) {
        logits[id] = (float) random.nextGaussian();
      }
      int token = sampler.next(logits);
      long better = IntStream.range(0, 50).filter(id -> logits[id] > logits[token]).count();
      assertThat(better).isLessThan(3);
    }
  }

  @Test
  void theSameSeedDrawsTheSame() {
    assertThat(draws(1)).isEqualTo(draws(1)).isNotEqualTo(draws(2));
  }

  private static int[] draws(long seed) {
    Sampler sampler = new Sampler(PLAIN.withSeed(seed), 8);
    return IntStream.range(0, 20).map(i -> sampler.next(new float[8])).toArray();
  }

  @Test
  void thePresencePenaltyCountsWhatWasWrittenButNotWhatWasRead() {
    Sampler sampler = new Sampler(SamplingOptions.GREEDY.withPresencePenalty(1.5), 3);
    sampler.read(new int[] {0});
    float[] logits = {3, 2, 1};
    assertThat(sampler.next(logits)).isZero();
    assertThat(sampler.next(logits)).isEqualTo(1);
    assertThat(sampler.next(logits)).isZero();
  }

  @Test
  void theRepetitionPenaltyCountsWhatWasReadAndWritten() {
    Sampler sampler = new Sampler(SamplingOptions.GREEDY.withRepetitionPenalty(4), 3);
    sampler.read(new int[] {0});
    float[] logits = {3, 2, 1};
    assertThat(sampler.next(logits)).isEqualTo(1);
    assertThat(sampler.next(logits)).isEqualTo(2);
    assertThat(sampler.next(logits)).isZero();
  }

  @Test
  void logitsAreNotChanged() {
    float[] logits = {3, 2, 1};
    Sampler sampler = new Sampler(PLAIN.withTemperature(0.5).withRepetitionPenalty(2), 3);
    sampler.next(logits);
    sampler.next(logits);
    assertThat(logits).containsExactly(3, 2, 1);
  }

  @ParameterizedTest
  @ValueSource(doubles = {1e-320, 1e-40, 1e-9})
  void aTemperatureNearNothingIsGreedy(double temperature) {
    Sampler sampler = new Sampler(PLAIN.withTemperature(temperature), 4);
    for (int i = 0; i < 20; i++) {
      assertThat(sampler.next(new float[] {1, -40, 30, 29.9f})).isEqualTo(2);
    }
  }

  @ParameterizedTest
  @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY})
  void scoresThatAreNoNumbersAreRefused(float score) {
    float[] logits = {1, score, 2};
    assertThatThrownBy(() -> new Sampler(PLAIN, 3).next(logits))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("token 1");
    assertThatThrownBy(() -> new Sampler(SamplingOptions.GREEDY, 3).next(logits))
        .isInstanceOf(ModelException.class);
  }
}
