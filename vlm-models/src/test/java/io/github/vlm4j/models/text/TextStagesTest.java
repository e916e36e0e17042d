package io.github.vlm4j.models.text;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.vlm4j.core.backend.Backend;
import io.github.vlm4j.core.backend.BackendOptions;
import io.github.vlm4j.core.backend.Backends;
import io.github.vlm4j.core.backend.Executable;
import io.github.vlm4j.core.checkpoint.Checkpoint;
import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.model.AfterLayer;
import io.github.vlm4j.core.model.CacheLayout;
import io.github.vlm4j.core.model.Decoder;
import io.github.vlm4j.core.model.DecoderFeatures;
import io.github.vlm4j.core.model.KvCache;
import io.github.vlm4j.core.model.TokenPositions;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.core.weights.CheckpointWeights;
import io.github.vlm4j.core.weights.WeightScope;
import io.github.vlm4j.core.weights.WeightSource;
import io.github.vlm4j.models.family.ModelArchitecture;
import io.github.vlm4j.models.family.ModelDescription;
import io.github.vlm4j.models.family.ModelParts;
import io.github.vlm4j.models.runtime.DecoderRuntime;
import io.github.vlm4j.text.generate.Sampler;
import io.github.vlm4j.text.generate.SamplingOptions;
import io.github.vlm4j.text.generate.TokenLogprob;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.assertj.core.data.Offset;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every stage of text decoders against transformers, fed the reference's own tokens. */
class TextStagesTest {

  private static final double TENSOR_TOLERANCE = 1e-4;
  private static final double LOGPROB_TOLERANCE = 1e-3;

  /** A model on a backend, opened for one test. */
  private record Opened(
      TextCase reference,
      Checkpoint checkpoint,
      WeightSource weights,
      Backend backend,
      ModelArchitecture architecture)
      implements AutoCloseable {

    static Opened open(String name) {
      TextCase reference = TextCase.open(name);
      Checkpoint checkpoint = Checkpoint.open(reference.folder);
      CheckpointWeights weights = new CheckpointWeights(checkpoint);
      WeightScope scope = WeightScope.of(weights);
      TextFamily family = new TextFamily();
      ModelArchitecture architecture =
          family.assemble(ModelDescription.read(ModelParts.of(reference.folder)), scope);
      weights.requireAllUsed(scope.tree(), family.ignorableTensors());
      Backend backend = Backends.find().open(null, BackendOptions.DEFAULT);
      return new Opened(reference, checkpoint, scope.source(), backend, architecture);
    }

    Decoder decoder() {
      return architecture.decoder();
    }

    @Override
    public void close() {
      backend.close();
      checkpoint.close();
      reference.close();
    }
  }

  @ParameterizedTest
  @MethodSource("io.github.vlm4j.models.text.TextCase#names")
  void everyLayerEqualsTheReference(String name) {
    try (Opened model = Opened.open(name)) {
      int length = model.reference.ints("promptTokenIds").length;
      checkInChunks(model, length);
    }
  }

  /** Chunks that end inside windows, before and after the original length of stretched ones. */
  @ParameterizedTest
  @MethodSource("io.github.vlm4j.models.text.TextCase#names")
  void readInChunksEveryLayerEqualsTheReference(String name) {
    try (Opened model = Opened.open(name)) {
      checkInChunks(model, 5);
    }
  }

  private static void checkInChunks(Opened model, int chunk) {
    TextCase reference = model.reference;
    int[] ids = reference.ints("promptTokenIds");
    try (KvCache cache = new KvCache(model.backend, model.decoder().geometry())) {
      cache.reserve(ids.length);
      Stages stages = new Stages(model.decoder().geometry().layers());
      for (int from = 0; from < ids.length; from += chunk) {
        int to = Math.min(from + chunk, ids.length);
        stages.run(model, cache, Arrays.copyOfRange(ids, from, to), from, ids.length);
      }
      stages.check(reference);
    }
  }

  /** The rows of every stage, collected from one or more runs. */
  private static final class Stages {
    private final int layers;
    private final Map<String, List<float[]>> rows = new LinkedHashMap<>();

    Stages(int layers) {
      this.layers = layers;
    }

    void run(Opened model, KvCache cache, int[] ids, int from, int capacity) {
      GraphBuilder g = new GraphBuilder();
      Value embeddings = model.decoder().embed(g, g.input("ids", DType.I32, ids.length));
      DecoderFeatures features =
          model.decoder().decode(g, embeddings, CacheLayout.f32(capacity), AfterLayer.NOTHING);
      g.output("embed_tokens", embeddings);
      for (int layer = 0; layer < layers; layer++) {
        g.output("layer." + layer, features.hiddenStates().get(layer + 1));
      }
      g.output("norm", features.lastHiddenState());
      g.output("logits", model.decoder().logits(g, features.lastHiddenState()));
      try (Executable executable = model.backend.compile(g.build(), model.weights)) {
        cache.bind(executable);
        executable.input("ids").copyFrom(Tensor.ofInts(ids, ids.length));
        model.decoder().setPositions(executable, TokenPositions.sequential(), from, ids.length);
        executable.run();
        cache.advance(ids.length);
        for (String stage : names()) {
          Tensor output = executable.output(stage);
          for (int row = 0; row < ids.length; row++) {
            rows.computeIfAbsent(stage, _ -> new ArrayList<>())
                .add(output.rows(row, row + 1).toFloats());
          }
        }
      }
    }

    private List<String> names() {
      List<String> names = new ArrayList<>(List.of("embed_tokens", "norm", "logits"));
      for (int layer = 0; layer < layers; layer++) {
        names.add("layer." + layer);
      }
      return names;
    }

    void check(TextCase reference) {
      assertThat(reference.has("layer." + layers)).isFalse();
      for (String stage : names()) {
        List<float[]> wanted = Objects.requireNonNull(rows.get(stage));
        if (stage.equals("logits")) {
          List<float[]> all = wanted;
          wanted = Arrays.stream(reference.ints("logitRows")).mapToObj(all::get).toList();
        }
        int width = wanted.getFirst().length;
        float[] joined = new float[wanted.size() * width];
        for (int row = 0; row < wanted.size(); row++) {
          System.arraycopy(wanted.get(row), 0, joined, row * width, width);
        }
        reference.assertClose(
            stage, Tensor.ofFloats(joined, wanted.size(), width), TENSOR_TOLERANCE);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("io.github.vlm4j.models.text.TextCase#names")
  void greedyTokensAndLogprobsEqualTheReference(String name) {
    try (Opened model = Opened.open(name);
        DecoderRuntime decoder =
            new DecoderRuntime(model.architecture, model.backend, model.weights)) {
      int[] ids = model.reference.ints("promptTokenIds");
      int[] expected = model.reference.ints("greedyTokens");
      TokenPositions positions = TokenPositions.sequential(ids.length);
      Sampler sampler = new Sampler(SamplingOptions.GREEDY, decoder.vocabularySize());
      float[] logits = decoder.prefill(ids, List.of(), positions, done -> {});
      int[] tokens = new int[expected.length];
      for (int i = 0; i < expected.length; i++) {
        tokens[i] = sampler.next(logits);
        assertThat(TokenLogprob.of(logits, tokens[i], 0).logprob())
            .as("log-probability of token %d", i)
            .isCloseTo(
                model.reference.expected.get("greedyLogprobs").get(i).asDouble(),
                Offset.offset(LOGPROB_TOLERANCE));
        logits = decoder.step(tokens[i], positions);
      }
      assertThat(tokens).isEqualTo(expected);
    }
  }
}
