package io.github.vlm4j.models.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.sun.management.ThreadMXBean;
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
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

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

  private static Backend plainLoops() {
    String before = System.setProperty("vlm.cpu.vector.bits", "0");
    try {
      return Backends.find().open("cpu", new BackendOptions(1));
    } finally {
      if (before == null) {
        System.clearProperty("vlm.cpu.vector.bits");
      } else {
        System.setProperty("vlm.cpu.vector.bits", before);
      }
    }
  }

  /** With plain loops: vector code allocates until it is compiled. */
  @ParameterizedTest
  @EnumSource(names = {"F32", "F16", "BF16", "Q8_0"})
  void aStepAllocatesNothing(DType cacheType) {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    try (RandomWeights weights = new RandomWeights(DType.BF16);
        Backend backend = plainLoops()) {
      WeightScope scope = WeightScope.of(weights);
      try (DecoderRuntime runtime =
          new DecoderRuntime(smallModel(scope), backend, scope.source(), cacheType)) {
        runtime.reserve(64);
        TokenPositions positions = TokenPositions.sequential();
        long least = Long.MAX_VALUE;
        // What happens once may fall into any batch; what a step allocates falls into all of them.
        for (int batch = 0; batch < 20 && least != 0; batch++) {
          runtime.reset();
          long before = threads.getCurrentThreadAllocatedBytes();
          for (int i = 0; i < 64; i++) {
            runtime.step(i, positions);
          }
          least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
        }
        assertThat(least).isZero();
      }
    }
  }

  /**
   * The bounds are what the types promise: half a unit in the last place of 11 and 8 significant
   * bits, and half of 1/127 of the greatest number of a block.
   */
  @ParameterizedTest
  @CsvSource({"F16, 5e-4", "BF16, 4e-3", "Q8_0, 4e-3"})
  void keysAndValuesInASmallerTypeChangeLogitsLittle(DType cacheType, double bound) {
    float[] exact = lastLogits(DType.F32);
    float[] rounded = lastLogits(cacheType);
    double greatest = 0;
    double difference = 0;
    for (int i = 0; i < exact.length; i++) {
      greatest = Math.max(greatest, Math.abs(exact[i]));
      difference = Math.max(difference, Math.abs(exact[i] - rounded[i]));
    }
    assertThat(difference / greatest).isPositive().isLessThan(bound);
  }

  @ParameterizedTest
  @CsvSource({
    "F32, 100000, F32",
    "F16, 100000, F16",
    "BF16, 100000, F16",
    "Q8_0, 100000, F16",
    "BF16, 16384, F32",
    "BF16, 16385, F16"
  })
  void keysAndValuesAreInF16BesideSmallerWeightsInALongContext(
      DType weightType, int context, DType expected) {
    try (RandomWeights weights = new RandomWeights(weightType)) {
      assertThat(DecoderRuntime.usualCacheType(model(WeightScope.of(weights), context)))
          .isEqualTo(expected);
    }
  }

  private static ModelArchitecture smallModel(WeightScope scope) {
    return model(scope, 64);
  }

  /** A model whose keys and values take a kilobyte a token in f32. */
  private static ModelArchitecture model(WeightScope scope, int context) {
    LearnedPositionDecoderConfig config =
        new LearnedPositionDecoderConfig(300, 64, 96, 2, 2, Activation.GELU, 1e-5f, context);
    return ModelArchitecture.ofText(new LearnedPositionDecoder(config, scope));
  }

  private static float[] lastLogits(DType cacheType) {
    int[] ids = IntStream.range(0, 63).map(i -> i * 2741 % 300).toArray();
    try (RandomWeights weights = new RandomWeights(DType.F32);
        Backend backend = Backends.find().open(null, BackendOptions.DEFAULT)) {
      WeightScope scope = WeightScope.of(weights);
      try (DecoderRuntime runtime =
          new DecoderRuntime(smallModel(scope), backend, scope.source(), cacheType)) {
        TokenPositions positions = TokenPositions.sequential();
        runtime.prefill(ids, List.of(), positions, read -> {});
        return runtime.step(7, positions).clone();
      }
    }
  }
}
