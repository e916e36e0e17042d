package io.github.vlm4j.models.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.vlm4j.core.backend.Backend;
import io.github.vlm4j.core.backend.BackendOptions;
import io.github.vlm4j.core.backend.Backends;
import io.github.vlm4j.core.graph.Activation;
import io.github.vlm4j.core.model.TokenPositions;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.weights.RandomWeights;
import io.github.vlm4j.core.weights.WeightScope;
import io.github.vlm4j.models.family.ModelArchitecture;
import io.github.vlm4j.text.decoder.LearnedPositionDecoder;
import io.github.vlm4j.text.decoder.LearnedPositionDecoderConfig;
import io.github.vlm4j.text.generate.TokenLogprob;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class DecoderRuntimeTest {

  private static final int VOCABULARY = 200_000;
  private static final int LENGTH = 70;
  private static final int FIRST = 11;

  @Test
  void logitsOfManyTokensOfALargeVocabularyAreThoseOfOneTokenAfterTheOther() {
    int[] ids = IntStream.range(0, LENGTH).map(i -> i * 2741 % VOCABULARY).toArray();
    LearnedPositionDecoderConfig config =
        new LearnedPositionDecoderConfig(VOCABULARY, 4, 8, 2, 2, Activation.GELU, 1e-5f, LENGTH);
    try (RandomWeights weights = new RandomWeights(DType.F32);
        Backend backend = Backends.find().open(null, BackendOptions.DEFAULT)) {
      WeightScope scope = WeightScope.of(weights);
      ModelArchitecture architecture =
          ModelArchitecture.ofText(new LearnedPositionDecoder(config, scope));
      try (DecoderRuntime runtime = new DecoderRuntime(architecture, backend, scope.source())) {
        TokenPositions positions = TokenPositions.sequential();
        List<Double> together = new ArrayList<>();
        List<Integer> rows = new ArrayList<>();
        List<Integer> progress = new ArrayList<>();
        runtime.read(
            ids,
            List.of(),
            positions,
            FIRST,
            (index, logits) -> {
              rows.add(index);
              together.add(TokenLogprob.of(logits, ids[index], 0).logprob());
            },
            progress::add);
        assertThat(rows).isEqualTo(IntStream.range(FIRST, LENGTH).boxed().toList());
        // A vocabulary of this size leaves room for the logits of 41 tokens at a time.
        assertThat(progress).containsExactly(FIRST + 41, LENGTH);

        runtime.reset();
        for (int i = 0; i < LENGTH; i++) {
          float[] logits = runtime.step(ids[i], positions);
          if (i >= FIRST) {
            assertThat(together.get(i - FIRST))
                .isCloseTo(TokenLogprob.of(logits, ids[i], 0).logprob(), within(1e-5));
          }
        }
      }
    }
  }
}
