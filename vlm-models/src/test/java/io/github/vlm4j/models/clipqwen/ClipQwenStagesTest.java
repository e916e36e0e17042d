package io.github.vlm4j.models.clipqwen;

import static org.assertj.core.api.Assertions.assertThat;

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
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.core.weights.AdaptedWeights;
import io.github.vlm4j.core.weights.CheckpointWeights;
import io.github.vlm4j.core.weights.LoraAdapter;
import io.github.vlm4j.core.weights.MountedWeights;
import io.github.vlm4j.core.weights.WeightScope;
import io.github.vlm4j.core.weights.WeightSource;
import io.github.vlm4j.models.family.ModelArchitecture;
import io.github.vlm4j.models.family.ModelDescription;
import io.github.vlm4j.models.family.ModelParts;
import io.github.vlm4j.models.family.PreparedPrompt;
import io.github.vlm4j.models.family.PreparedVisual;
import io.github.vlm4j.models.family.VisualEmbeddings;
import io.github.vlm4j.models.family.VisualPath;
import io.github.vlm4j.models.runtime.DecoderRuntime;
import io.github.vlm4j.models.runtime.EncodedVisual;
import io.github.vlm4j.text.generate.Sampler;
import io.github.vlm4j.text.generate.SamplingOptions;
import io.github.vlm4j.vision.preprocess.PixelValues;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every stage against the published code, fed the reference's own pixels and tokens. */
class ClipQwenStagesTest {

  private static final double TOLERANCE = 1e-4;
  private static final int PATCH = 8;
  private static final PatchGrid GRID = new PatchGrid(1, 4, 4);

  /** A model on a backend, opened for one test. */
  private static final class Opened implements AutoCloseable {

    final ClipQwenCase reference;
    final WeightSource weights;
    final Backend backend = Backends.find().open(null, BackendOptions.DEFAULT);
    final ModelArchitecture architecture;
    final PreparedPrompt prompt;
    private final List<Runnable> closers = new ArrayList<>();

    Opened(String name) {
      reference = ClipQwenCase.open(name);
      ModelParts parts = reference.parts();
      ModelDescription description = ModelDescription.read(parts);
      Map<String, WeightSource> mounts = new LinkedHashMap<>();
      mount(mounts, ModelDescription.VISION_MODEL, parts.visionModel());
      mount(mounts, ModelDescription.CONNECTOR, parts.connector());
      CheckpointWeights own = open(parts.model());
      WeightSource stored = new MountedWeights(own, mounts);
      if (parts.adapter() != null) {
        LoraAdapter adapter = LoraAdapter.open(parts.adapter());
        closers.add(adapter::close);
        stored = new AdaptedWeights(stored, adapter);
      }
      QwenFamily family = new QwenFamily();
      WeightScope scope = WeightScope.of(stored);
      architecture = family.assemble(description, scope);
      own.requireAllUsed(scope.tree(), family.ignorableTensors());
      weights = scope.source();
      prompt = family.processor(description).prepare(reference.messages());
    }

    private void mount(Map<String, WeightSource> mounts, String name, @Nullable Path path) {
      if (path != null) {
        mounts.put(name, open(path));
      }
    }

    private CheckpointWeights open(Path path) {
      Checkpoint checkpoint = Checkpoint.open(path);
      closers.add(checkpoint::close);
      return new CheckpointWeights(checkpoint);
    }

    VisualPath visual() {
      return architecture.visual().orElseThrow();
    }

    /** Returns the reference's pixels as the encoder reads them, {@code [patches, elements]}. */
    Tensor pixels() {
      Tensor values = reference.tensor("pixel_values");
      Shape shape = values.shape();
      float[] patches =
          new PixelValues(
                  values.toFloats(), (int) shape.dim(0), (int) shape.dim(1), (int) shape.dim(2))
              .patches(PATCH);
      return Tensor.ofFloats(patches, visual().pixelShape(GRID).toArray());
    }

    /** Returns the picture as the reference computes it, in the rows of this prompt. */
    List<EncodedVisual> encoded() {
      List<EncodedVisual> encoded = new ArrayList<>();
      for (PreparedVisual picture : prompt.visuals()) {
        encoded.add(new EncodedVisual(reference.tensor("connector"), List.of(), picture.rows()));
      }
      return encoded;
    }

    @Override
    public void close() {
      backend.close();
      closers.forEach(Runnable::run);
      reference.close();
    }
  }

  @ParameterizedTest
  @MethodSource("io.github.vlm4j.models.clipqwen.ClipQwenCase#pictureNames")
  void encoderAndProjectionEqualTheReference(String name) {
    try (Opened model = new Opened(name)) {
      GraphBuilder g = new GraphBuilder();
      Value pixels = g.input("pixels", DType.F32, model.visual().pixelShape(GRID).toArray());
      VisualEmbeddings visual = model.visual().embedVisual(g, pixels, GRID);
      g.output("vision", visual.features().lastHiddenState());
      g.output("connector", visual.embeddings());
      assertThat(visual.embeddings().shape().dim(0)).isEqualTo(model.visual().visualTokens(GRID));
      try (Executable executable = model.backend.compile(g.build(), model.weights)) {
        executable.input("pixels").copyFrom(model.pixels());
        executable.run();
        for (String stage : executable.outputs()) {
          model.reference.assertClose(stage, executable.output(stage), TOLERANCE);
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("io.github.vlm4j.models.clipqwen.ClipQwenCase#names")
  void everyDecoderLayerEqualsTheReferenceAndAdaptersTheMergedModel(String name) {
    try (Opened model = new Opened(name)) {
      int[] ids = model.prompt.ids();
      GraphBuilder g = new GraphBuilder();
      Value embeddings =
          model.architecture.decoder().embed(g, g.input("ids", DType.I32, ids.length));
      for (EncodedVisual picture : model.encoded()) {
        Value rows = g.constant(Tensor.ofInts(picture.rows(), picture.rows().length));
        embeddings =
            g.scatter(embeddings, rows, g.constant(picture.embeddings()), ScatterMode.REPLACE);
      }
      DecoderFeatures features =
          model
              .architecture
              .decoder()
              .decode(g, embeddings, CacheLayout.f32(ids.length), AfterLayer.NOTHING);
      int layers = features.hiddenStates().size() - 1;
      for (int i = 0; i < layers; i++) {
        g.output("text.hidden_states." + i, features.hiddenStates().get(i));
      }
      g.output("text.norm", features.lastHiddenState());
      Value last = features.lastHiddenState().rows(ids.length - 1, ids.length);
      g.output("logits.last", model.architecture.decoder().logits(g, last));
      try (Executable executable = model.backend.compile(g.build(), model.weights);
          KvCache cache = new KvCache(model.backend, model.architecture.decoder().geometry())) {
        cache.reserve(ids.length);
        cache.bind(executable);
        executable.input("ids").copyFrom(Tensor.ofInts(ids, ids.length));
        model
            .architecture
            .decoder()
            .setPositions(executable, model.prompt.positions(), 0, ids.length);
        executable.run();
        for (String stage : executable.outputs()) {
          model.reference.assertClose(stage, executable.output(stage), TOLERANCE);
          if (model.reference.has("merged." + stage)) {
            model.reference.assertClose("merged." + stage, executable.output(stage), TOLERANCE);
          }
        }
        assertThat(model.reference.has("text.hidden_states." + layers)).isFalse();
      }
    }
  }

  @ParameterizedTest
  @MethodSource("io.github.vlm4j.models.clipqwen.ClipQwenCase#names")
  void greedyTokensEqualTheReference(String name) {
    try (Opened model = new Opened(name);
        DecoderRuntime decoder =
            new DecoderRuntime(model.architecture, model.backend, model.weights)) {
      int[] expected = model.reference.ints("greedyTokens");
      Sampler sampler = new Sampler(SamplingOptions.GREEDY, decoder.vocabularySize());
      float[] logits =
          decoder.prefill(
              model.prompt.ids(), model.encoded(), model.prompt.positions(), done -> {});
      List<Integer> tokens = new ArrayList<>();
      for (int i = 0; i < expected.length; i++) {
        tokens.add(sampler.next(logits));
        logits = decoder.step(tokens.getLast(), model.prompt.positions());
      }
      assertThat(tokens.stream().mapToInt(Integer::intValue).toArray()).isEqualTo(expected);
    }
  }
}
