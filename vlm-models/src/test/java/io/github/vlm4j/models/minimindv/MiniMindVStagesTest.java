package io.github.vlm4j.models.minimindv;

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
import io.github.vlm4j.core.model.Decoder;
import io.github.vlm4j.core.model.DecoderFeatures;
import io.github.vlm4j.core.model.FeatureSelection;
import io.github.vlm4j.core.model.KvCache;
import io.github.vlm4j.core.model.PatchGrid;
import io.github.vlm4j.core.model.TokenPositions;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.core.weights.CheckpointWeights;
import io.github.vlm4j.core.weights.MountedWeights;
import io.github.vlm4j.core.weights.WeightScope;
import io.github.vlm4j.core.weights.WeightSource;
import io.github.vlm4j.models.family.ModelArchitecture;
import io.github.vlm4j.models.family.ModelDescription;
import io.github.vlm4j.models.family.ModelParts;
import io.github.vlm4j.models.family.VisualEmbeddings;
import io.github.vlm4j.models.family.VisualPath;
import io.github.vlm4j.models.runtime.DecoderRuntime;
import io.github.vlm4j.models.runtime.EncodedVisual;
import io.github.vlm4j.text.generate.Sampler;
import io.github.vlm4j.text.generate.SamplingOptions;
import io.github.vlm4j.vision.preprocess.PixelValues;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every stage of every layout against its published code, fed the reference's pixels and tokens.
 */
class MiniMindVStagesTest {

  private static final double TOLERANCE = 1e-4;
  private static final int PATCH = 8;

  /** A model on a backend, opened for one test. */
  private static final class Opened implements AutoCloseable {

    final MiniMindCase reference;
    final Backend backend = Backends.find().open(null, BackendOptions.DEFAULT);
    final ModelArchitecture architecture;
    final WeightSource weights;
    final int[] ids;
    final TokenPositions positions;
    private final List<Checkpoint> checkpoints = new ArrayList<>();

    Opened(String name) {
      reference = MiniMindCase.open(name);
      ModelParts parts = reference.parts();
      CheckpointWeights own = open(parts.model());
      ModelDescription description = ModelDescription.read(parts).withTensors(own.checkpoint());
      WeightSource stored =
          parts
              .vision()
              .<WeightSource>map(vision ->
                  new MountedWeights(own, Map.of(ModelDescription.VISION_MODEL, open(vision))))
              .orElse(own);
      MiniMindVFamily family = new MiniMindVFamily();
      WeightScope scope = WeightScope.of(stored);
      assertThat(family.recognise(description)).isPresent();
      architecture = family.assemble(description, scope);
      own.requireAllUsed(scope.tree(), family.ignorableTensors());
      weights = scope.source();
      ids = reference.ints("promptTokenIds");
      positions = TokenPositions.sequential(ids.length);
    }

    private CheckpointWeights open(Path path) {
      Checkpoint checkpoint = Checkpoint.open(path);
      checkpoints.add(checkpoint);
      return new CheckpointWeights(checkpoint);
    }

    VisualPath visual() {
      return architecture.visual().orElseThrow();
    }

    /** Returns the reference's pixels as the encoder reads them, {@code [patches, elements]}. */
    Tensor pixels(int picture, PatchGrid grid) {
      Tensor values = reference.tensor("image." + picture + ".pixel_values");
      Shape shape = values.shape();
      if (shape.rank() == 2) {
        return values;
      }
      float[] patches =
          new PixelValues(
                  values.toFloats(), (int) shape.dim(0), (int) shape.dim(1), (int) shape.dim(2))
              .patches(PATCH);
      return Tensor.ofFloats(patches, visual().pixelShape(grid).toArray());
    }

    /** Returns the pictures as the reference computes them. */
    List<EncodedVisual> encoded() {
      List<EncodedVisual> encoded = new ArrayList<>();
      for (int i = 0; i < reference.grids().size(); i++) {
        encoded.add(
            new EncodedVisual(
                reference.tensor("image." + i + ".connector"),
                List.of(),
                MiniMindCase.ints(reference.expected.get("imageRows").get(i))));
      }
      return encoded;
    }

    @Override
    public void close() {
      backend.close();
      checkpoints.forEach(Checkpoint::close);
      reference.close();
    }
  }

  @ParameterizedTest
  @MethodSource("io.github.vlm4j.models.minimindv.MiniMindCase#pictureNames")
  void encoderAndConnectorEqualTheReference(String name) {
    try (Opened model = new Opened(name)) {
      for (int i = 0; i < model.reference.grids().size(); i++) {
        checkPicture(model, i, model.reference.grids().get(i));
      }
    }
  }

  private static void checkPicture(Opened model, int picture, PatchGrid grid) {
    GraphBuilder g = new GraphBuilder();
    Value pixels = g.input("pixels", DType.F32, model.visual().pixelShape(grid).toArray());
    VisualEmbeddings visual = model.visual().embedVisual(g, pixels, grid);
    g.output("encoder", FeatureSelection.ofLastHiddenState(true).select(g, visual.features(), 1));
    g.output("connector", visual.embeddings());
    assertThat(visual.embeddings().shape().dim(0)).isEqualTo(model.visual().visualTokens(grid));
    try (Executable executable = model.backend.compile(g.build(), model.weights)) {
      executable.input("pixels").copyFrom(model.pixels(picture, grid));
      executable.run();
      String prefix = "image." + picture + ".";
      model.reference.assertClose(prefix + "connector", executable.output("connector"), TOLERANCE);
      // Of a picture that is filled up, the reference's encoder gives the blank rows, too.
      Tensor all = model.reference.tensor(prefix + "encoder");
      Tensor patches = all.rows(0, grid.patches());
      Tensor actual = executable.output("encoder");
      assertThat(actual.shape()).isEqualTo(patches.shape());
      for (long j = 0; j < patches.shape().elements(); j++) {
        assertThat(Math.abs(actual.getFloat(j) - patches.getFloat(j)))
            .isLessThanOrEqualTo((float) TOLERANCE);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("io.github.vlm4j.models.minimindv.MiniMindCase#names")
  void everyDecoderLayerEqualsTheReference(String name) {
    try (Opened model = new Opened(name)) {
      int[] ids = model.ids;
      Decoder decoder = model.architecture.decoder();
      GraphBuilder g = new GraphBuilder();
      Value embeddings = decoder.embed(g, g.input("ids", DType.I32, ids.length));
      for (EncodedVisual picture : model.encoded()) {
        Value rows = g.constant(Tensor.ofInts(picture.rows(), picture.rows().length));
        embeddings =
            g.scatter(embeddings, rows, g.constant(picture.embeddings()), ScatterMode.REPLACE);
      }
      DecoderFeatures features =
          decoder.decode(g, embeddings, CacheLayout.f32(ids.length), AfterLayer.NOTHING);
      g.output("text.inputs_embeds", features.hiddenStates().getFirst());
      for (int i = 1; i < features.hiddenStates().size(); i++) {
        g.output("text.layer." + (i - 1), features.hiddenStates().get(i));
      }
      g.output("text.norm", features.lastHiddenState());
      Value last = features.lastHiddenState().rows(ids.length - 1, ids.length);
      g.output("logits.last", decoder.logits(g, last));
      try (Executable executable = model.backend.compile(g.build(), model.weights);
          KvCache cache = new KvCache(model.backend, decoder.geometry())) {
        cache.reserve(ids.length);
        cache.bind(executable);
        executable.input("ids").copyFrom(Tensor.ofInts(ids, ids.length));
        decoder.setPositions(executable, model.positions, 0, ids.length);
        executable.run();
        assertThat(executable.outputs()).hasSize(5);
        for (String stage : executable.outputs()) {
          model.reference.assertClose(stage, executable.output(stage), TOLERANCE);
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("io.github.vlm4j.models.minimindv.MiniMindCase#names")
  void greedyTokensEqualTheReference(String name) {
    try (Opened model = new Opened(name);
        DecoderRuntime decoder =
            new DecoderRuntime(model.architecture, model.backend, model.weights)) {
      int[] expected = model.reference.ints("greedyTokens");
      Sampler sampler = new Sampler(SamplingOptions.GREEDY, decoder.vocabularySize());
      float[] logits = decoder.prefill(model.ids, model.encoded(), model.positions, done -> {});
      List<Integer> tokens = new ArrayList<>();
      for (int i = 0; i < expected.length; i++) {
        tokens.add(sampler.next(logits));
        logits = decoder.step(tokens.getLast(), model.positions);
      }
      assertThat(tokens.stream().mapToInt(Integer::intValue).toArray()).isEqualTo(expected);
    }
  }
}
