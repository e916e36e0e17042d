package io.github.vlm4j.models.qwenvl;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.vlm4j.core.backend.Backend;
import io.github.vlm4j.core.backend.BackendOptions;
import io.github.vlm4j.core.backend.Backends;
import io.github.vlm4j.core.backend.Executable;
import io.github.vlm4j.core.checkpoint.Checkpoint;
import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.ScatterMode;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.model.AfterLayer;
import io.github.vlm4j.core.model.CacheLayout;
import io.github.vlm4j.core.model.DecoderFeatures;
import io.github.vlm4j.core.model.KvCache;
import io.github.vlm4j.core.model.PatchGrid;
import io.github.vlm4j.core.model.TokenPositions;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.core.weights.CheckpointWeights;
import io.github.vlm4j.core.weights.WeightScope;
import io.github.vlm4j.models.family.ModelArchitecture;
import io.github.vlm4j.models.family.ModelDescription;
import io.github.vlm4j.models.family.ModelParts;
import io.github.vlm4j.models.family.PreparedVisual;
import io.github.vlm4j.models.family.VisualPath;
import io.github.vlm4j.models.runtime.DecoderRuntime;
import io.github.vlm4j.models.runtime.EncodedVisual;
import io.github.vlm4j.models.runtime.VisualRuntime;
import io.github.vlm4j.models.runtime.VisualRuntime.Extra;
import io.github.vlm4j.text.generate.Sampler;
import io.github.vlm4j.text.generate.SamplingOptions;
import io.github.vlm4j.text.generate.TokenLogprob;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.assertj.core.data.Offset;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every stage of Qwen's models against transformers, fed the reference's own pixels and tokens. */
class QwenVlStagesTest {

  private static final List<QwenVlFamily> FAMILIES =
      List.of(
          QwenVlFamily.qwen2(),
          QwenVlFamily.qwen25(),
          QwenVlFamily.qwen3(),
          QwenVlFamily.qwen3Moe());

  private static final double TENSOR_TOLERANCE = 1e-4;
  private static final double LOGPROB_TOLERANCE = 1e-3;

  /** A model on a backend, opened for one test. */
  private record Opened(
      ReferenceCase reference,
      Checkpoint checkpoint,
      CheckpointWeights weights,
      Backend backend,
      ModelArchitecture architecture)
      implements AutoCloseable {

    static Opened open(String name) {
      ReferenceCase reference = ReferenceCase.open(name);
      Checkpoint checkpoint = Checkpoint.open(reference.folder);
      CheckpointWeights weights = new CheckpointWeights(checkpoint);
      WeightScope scope = WeightScope.of(weights);
      ModelDescription description = ModelDescription.read(ModelParts.of(reference.folder));
      QwenVlFamily family =
          FAMILIES.stream()
              .filter(candidate -> candidate.recognise(description).isPresent())
              .findFirst()
              .orElseThrow();
      ModelArchitecture architecture = family.assemble(description, scope);
      weights.requireAllUsed(scope.tree(), family.ignorableTensors());
      Backend backend = Backends.find().open(null, BackendOptions.DEFAULT);
      return new Opened(reference, checkpoint, weights, backend, architecture);
    }

    List<PreparedVisual> visuals(String kind, int type, List<PatchGrid> grids) {
      List<Integer> tokens = grids.stream().map(visual()::visualTokens).toList();
      List<PreparedVisual> visuals = new ArrayList<>();
      for (int i = 0; i < grids.size(); i++) {
        visuals.add(
            new PreparedVisual(
                reference.tensor(kind + "." + i + ".pixel_values").toFloats(),
                grids.get(i),
                reference.placeholderRows(type, i, tokens)));
      }
      return visuals;
    }

    VisualPath visual() {
      return architecture.visual().orElseThrow();
    }

    List<PreparedVisual> images() {
      return visuals("image", 1, reference.grids("imageGridThw"));
    }

    List<PreparedVisual> videos() {
      return visuals("video", 2, reference.grids("videoGridThw"));
    }

    List<EncodedVisual> encoded() {
      List<EncodedVisual> encoded = new ArrayList<>();
      try (VisualRuntime runtime = new VisualRuntime(visual(), backend, weights)) {
        images().forEach(visual -> encoded.add(runtime.encode(visual)));
        videos().forEach(visual -> encoded.add(runtime.encode(visual)));
      }
      return encoded;
    }

    TokenPositions positions() {
      JsonNode axes = reference.expected.get("positionIds");
      int[] time = ReferenceCase.ints(axes.get(0));
      int next = time.length + reference.expected.get("ropeDelta").asInt();
      return new TokenPositions(
          time, ReferenceCase.ints(axes.get(1)), ReferenceCase.ints(axes.get(2)), next);
    }

    @Override
    public void close() {
      backend.close();
      checkpoint.close();
      reference.close();
    }
  }

  @ParameterizedTest
  @MethodSource("io.github.vlm4j.models.qwenvl.ReferenceCase#names")
  void visionTowerAndMergersEqualTheReference(String name) {
    try (Opened model = Opened.open(name);
        VisualRuntime runtime = new VisualRuntime(model.visual(), model.backend, model.weights)) {
      check(model, runtime, "image", model.images());
      check(model, runtime, "video", model.videos());
    }
  }

  private static void check(
      Opened model, VisualRuntime runtime, String kind, List<PreparedVisual> visuals) {
    for (int i = 0; i < visuals.size(); i++) {
      String prefix = kind + "." + i + ".";
      Map<String, Tensor> features =
          runtime.features(visuals.get(i), Set.of(Extra.HIDDEN_STATES, Extra.LAST_HIDDEN_STATE));
      ReferenceCase reference = model.reference;
      String embeddings =
          prefix + (reference.has(prefix + "position_added") ? "position_added" : "patch_embed");
      reference.assertClose(embeddings, features.get("hidden_states.0"), TENSOR_TOLERANCE);
      int compared = 0;
      for (int block = 0; features.containsKey("hidden_states." + (block + 1)); block++) {
        String stage = prefix + "block." + block;
        if (reference.has(stage)) {
          reference.assertClose(
              stage, features.get("hidden_states." + (block + 1)), TENSOR_TOLERANCE);
          compared++;
        }
      }
      assertThat(compared).as("compared blocks").isPositive();
      if (reference.has(prefix + "last_hidden_state")) {
        reference.assertClose(
            prefix + "last_hidden_state", features.get("last_hidden_state"), TENSOR_TOLERANCE);
      }
      reference.assertClose(prefix + "connector", features.get("connector"), TENSOR_TOLERANCE);
      for (int level = 0; level < model.architecture.deepstackLevels(); level++) {
        String stage = "deepstack." + level;
        reference.assertClose(prefix + stage, features.get(stage), TENSOR_TOLERANCE);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("io.github.vlm4j.models.qwenvl.ReferenceCase#names")
  void everyDecoderLayerEqualsTheReference(String name) {
    try (Opened model = Opened.open(name)) {
      int[] ids = model.reference.ints("promptTokenIds");
      GraphBuilder g = new GraphBuilder();
      Value embeddings =
          model.architecture.decoder().embed(g, g.input("ids", DType.I32, ids.length));
      List<List<Value>> deepstack = new ArrayList<>();
      List<Value> rows = new ArrayList<>();
      for (EncodedVisual visual : model.encoded()) {
        Value at = g.constant(Tensor.ofInts(visual.rows(), visual.rows().length));
        embeddings =
            g.scatter(embeddings, at, g.constant(visual.embeddings()), ScatterMode.REPLACE);
        rows.add(at);
        deepstack.add(visual.deepstack().stream().map(g::constant).toList());
      }
      AfterLayer afterLayer =
          (layer, hidden) -> {
            Value h = hidden;
            for (int i = 0; i < rows.size(); i++) {
              if (layer < deepstack.get(i).size()) {
                h = g.scatter(h, rows.get(i), deepstack.get(i).get(layer), ScatterMode.ADD);
              }
            }
            return h;
          };
      DecoderFeatures features =
          model
              .architecture
              .decoder()
              .decode(g, embeddings, CacheLayout.f32(ids.length), afterLayer);
      g.output("inputs_embeds", embeddings);
      for (int layer = 0; layer + 1 < features.hiddenStates().size(); layer++) {
        g.output("layer." + layer, features.hiddenStates().get(layer + 1));
      }
      g.output("norm", features.lastHiddenState());
      g.output("logits", model.architecture.decoder().logits(g, features.lastHiddenState()));

      try (Executable executable = model.backend.compile(g.build(), model.weights);
          KvCache cache = new KvCache(model.backend, model.architecture.decoder().geometry())) {
        cache.reserve(ids.length);
        cache.bind(executable);
        executable.input("ids").copyFrom(Tensor.ofInts(ids, ids.length));
        model.architecture.decoder().setPositions(executable, model.positions(), 0, ids.length);
        executable.run();
        ReferenceCase reference = model.reference;
        reference.assertClose(
            "text.inputs_embeds", executable.output("inputs_embeds"), TENSOR_TOLERANCE);
        for (int layer = 0; layer + 1 < features.hiddenStates().size(); layer++) {
          reference.assertClose(
              "text.layer." + layer, executable.output("layer." + layer), TENSOR_TOLERANCE);
        }
        reference.assertClose("text.norm", executable.output("norm"), TENSOR_TOLERANCE);
        Tensor logits = executable.output("logits");
        reference.assertClose(
            "logits.last", logits.rows(ids.length - 1, ids.length), TENSOR_TOLERANCE);
        if (reference.has("logits.all")) {
          reference.assertClose("logits.all", logits, TENSOR_TOLERANCE);
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("io.github.vlm4j.models.qwenvl.ReferenceCase#names")
  void greedyTokensAndLogprobsEqualTheReference(String name) {
    try (Opened model = Opened.open(name);
        DecoderRuntime decoder =
            new DecoderRuntime(model.architecture, model.backend, model.weights)) {
      int[] ids = model.reference.ints("promptTokenIds");
      int[] expected = model.reference.ints("greedyTokens");
      TokenPositions positions = model.positions();
      Sampler sampler = new Sampler(SamplingOptions.GREEDY, decoder.vocabularySize());
      float[] logits = decoder.prefill(ids, model.encoded(), positions, done -> {});
      List<Integer> tokens = new ArrayList<>();
      for (int i = 0; i < expected.length; i++) {
        int token = sampler.next(logits);
        tokens.add(token);
        checkLogprob(TokenLogprob.of(logits, token, 5), model.reference, i);
        logits = decoder.step(token, positions);
      }
      assertThat(tokens.stream().mapToInt(Integer::intValue).toArray()).isEqualTo(expected);
    }
  }

  private static void checkLogprob(TokenLogprob actual, ReferenceCase reference, int step) {
    JsonNode expected = reference.expected.get("logprobs").get(step);
    Offset<Double> tolerance = Offset.offset(LOGPROB_TOLERANCE);
    assertThat(actual.logprob()).isCloseTo(expected.get("logprob").asDouble(), tolerance);
    JsonNode top = expected.get("top");
    for (int i = 0; i < top.size(); i++) {
      assertThat(actual.top().get(i).logprob())
          .as("alternative %d at step %d", i, step)
          .isCloseTo(top.get(i).get("logprob").asDouble(), tolerance);
    }
  }
}
