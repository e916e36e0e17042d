package io.github.vlm4j.models.llava;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.vlm4j.core.backend.Backend;
import io.github.vlm4j.core.backend.BackendOptions;
import io.github.vlm4j.core.backend.Backends;
import io.github.vlm4j.core.backend.Executable;
import io.github.vlm4j.core.checkpoint.Checkpoint;
import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.ScatterMode;
import io.github.vlm4j.core.graph.Value;
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
import io.github.vlm4j.models.family.ModelFamily;
import io.github.vlm4j.models.family.ModelParts;
import io.github.vlm4j.models.family.VisualEmbeddings;
import io.github.vlm4j.models.family.VisualPath;
import io.github.vlm4j.models.runtime.DecoderRuntime;
import io.github.vlm4j.models.runtime.EncodedVisual;
import io.github.vlm4j.text.generate.Sampler;
import io.github.vlm4j.text.generate.SamplingOptions;
import io.github.vlm4j.text.generate.TokenLogprob;
import io.github.vlm4j.vision.image.Image;
import java.util.ArrayList;
import java.util.List;
import org.assertj.core.data.Offset;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every stage of LLaVA against transformers, fed the reference's own pixels and tokens. */
class LlavaStagesTest {

  private static final double TENSOR_TOLERANCE = 1e-4;
  private static final double LOGPROB_TOLERANCE = 1e-3;

  /** A model on a backend, opened for one test. */
  private record Opened(
      LlavaCase reference,
      Checkpoint checkpoint,
      CheckpointWeights weights,
      Backend backend,
      LlavaConfig config,
      ModelArchitecture architecture)
      implements AutoCloseable {

    static Opened open(String name) {
      LlavaCase reference = LlavaCase.open(name);
      Checkpoint checkpoint = Checkpoint.open(reference.folder);
      CheckpointWeights weights = new CheckpointWeights(checkpoint);
      WeightScope scope = WeightScope.of(weights);
      ModelDescription description = ModelDescription.read(ModelParts.of(reference.folder));
      ModelFamily family = name.startsWith("next_") ? new LlavaNextFamily() : new LlavaFamily();
      assertThat(family.recognise(description)).isPresent();
      ModelArchitecture architecture = family.assemble(description, scope);
      weights.requireAllUsed(scope.tree(), family.ignorableTensors());
      return new Opened(
          reference,
          checkpoint,
          weights,
          Backends.find().open(null, BackendOptions.DEFAULT),
          LlavaConfig.read(description.requireConfig()),
          architecture);
    }

    VisualPath visual() {
      return architecture.visual().orElseThrow();
    }

    PatchGrid grid(int picture) {
      Image image = reference.picture(picture);
      return visual().gridFor(image.height(), image.width());
    }

    /** Returns the pictures that stand in the prompt, as the reference computes them. */
    List<EncodedVisual> encoded() {
      List<EncodedVisual> encoded = new ArrayList<>();
      for (int i = 0; i < reference.pictures(); i++) {
        int[] rows = reference.placeholderRows(i);
        if (rows.length > 0) {
          Tensor embeddings = reference.tensor("image." + i + ".connector");
          encoded.add(new EncodedVisual(embeddings, List.of(), rows));
        }
      }
      return encoded;
    }

    @Override
    public void close() {
      backend.close();
      checkpoint.close();
      reference.close();
    }
  }

  @ParameterizedTest
  @MethodSource("io.github.vlm4j.models.llava.LlavaCase#names")
  void towerSelectionAndProjectorEqualTheReference(String name) {
    try (Opened model = Opened.open(name)) {
      assertThat(model.reference.pictures()).isPositive();
      for (int i = 0; i < model.reference.pictures(); i++) {
        PatchGrid grid = model.grid(i);
        GraphBuilder g = new GraphBuilder();
        long[] shape = model.visual().pixelShape(grid).toArray();
        VisualEmbeddings visual =
            model.visual().embedVisual(g, g.input("pixels", DType.F32, shape), grid);
        List<Value> states = visual.features().hiddenStates();
        for (int k = 0; k < states.size(); k++) {
          g.output("hidden_states." + k, states.get(k));
        }
        g.output("last_hidden_state", visual.features().lastHiddenState());
        g.output("selected", Llava.selected(g, model.config, visual.features(), grid));
        g.output("connector", visual.embeddings());
        assertThat(visual.embeddings().shape().dim(0)).isEqualTo(model.visual().visualTokens(grid));
        assertThat(model.reference.has("image." + i + ".hidden_states." + states.size())).isFalse();
        try (Executable executable = model.backend.compile(g.build(), model.weights)) {
          float[] pixels = model.reference.patches(i, model.config.vision().sizes().patchSize());
          executable.input("pixels").copyFrom(Tensor.ofFloats(pixels, shape));
          executable.run();
          for (String stage : executable.outputs()) {
            model.reference.assertClose(
                "image." + i + "." + stage, executable.output(stage), TENSOR_TOLERANCE);
          }
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("io.github.vlm4j.models.llava.LlavaCase#names")
  void everyDecoderLayerEqualsTheReference(String name) {
    try (Opened model = Opened.open(name)) {
      int[] ids = model.reference.ints("promptTokenIds");
      GraphBuilder g = new GraphBuilder();
      Value embeddings =
          model.architecture.decoder().embed(g, g.input("ids", DType.I32, ids.length));
      for (EncodedVisual visual : model.encoded()) {
        Value at = g.constant(Tensor.ofInts(visual.rows(), visual.rows().length));
        embeddings =
            g.scatter(embeddings, at, g.constant(visual.embeddings()), ScatterMode.REPLACE);
      }
      DecoderFeatures features =
          model
              .architecture
              .decoder()
              .decode(g, embeddings, CacheLayout.f32(ids.length), (layer, h) -> h);
      g.output("text.inputs_embeds", embeddings);
      for (int layer = 0; layer + 1 < features.hiddenStates().size(); layer++) {
        g.output("text.layer." + layer, features.hiddenStates().get(layer + 1));
      }
      g.output("text.norm", features.lastHiddenState());
      long all = features.lastHiddenState().shape().dim(0);
      long wanted = model.reference.tensor("logits").shape().dim(0);
      Value seen = features.lastHiddenState().rows(all - wanted, all);
      g.output("logits", model.architecture.decoder().logits(g, seen));

      try (Executable executable = model.backend.compile(g.build(), model.weights);
          KvCache cache = new KvCache(model.backend, model.architecture.decoder().geometry())) {
        cache.reserve(ids.length);
        cache.bind(executable);
        executable.input("ids").copyFrom(Tensor.ofInts(ids, ids.length));
        model
            .architecture
            .decoder()
            .setPositions(executable, TokenPositions.sequential(ids.length), 0, ids.length);
        executable.run();
        for (String stage : executable.outputs()) {
          model.reference.assertClose(stage, executable.output(stage), TENSOR_TOLERANCE);
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("io.github.vlm4j.models.llava.LlavaCase#names")
  void greedyTokensAndLogprobsEqualTheReference(String name) {
    try (Opened model = Opened.open(name);
        DecoderRuntime decoder =
            new DecoderRuntime(model.architecture, model.backend, model.weights)) {
      int[] ids = model.reference.ints("promptTokenIds");
      int[] expected = model.reference.ints("greedyTokens");
      TokenPositions positions = TokenPositions.sequential(ids.length);
      Sampler sampler = new Sampler(SamplingOptions.GREEDY, decoder.vocabularySize());
      float[] logits = decoder.prefill(ids, model.encoded(), positions, done -> {});
      List<Integer> tokens = new ArrayList<>();
      for (int i = 0; i < expected.length; i++) {
        int token = sampler.next(logits);
        tokens.add(token);
        assertThat(TokenLogprob.of(logits, token, 1).logprob())
            .isCloseTo(
                model.reference.expected.get("logprobs").get(i).asDouble(),
                Offset.offset(LOGPROB_TOLERANCE));
        logits = decoder.step(token, positions);
      }
      assertThat(tokens.stream().mapToInt(Integer::intValue).toArray()).isEqualTo(expected);
    }
  }
}
