package io.github.vlm4j.connector;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.vlm4j.core.ModelException;
import io.github.vlm4j.core.backend.Backend;
import io.github.vlm4j.core.backend.BackendOptions;
import io.github.vlm4j.core.backend.Backends;
import io.github.vlm4j.core.backend.Executable;
import io.github.vlm4j.core.checkpoint.Checkpoint;
import io.github.vlm4j.core.graph.Activation;
import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.model.Connector;
import io.github.vlm4j.core.model.PatchGrid;
import io.github.vlm4j.core.nn.LayerNorm;
import io.github.vlm4j.core.nn.Linear;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.core.weights.CheckpointWeights;
import io.github.vlm4j.core.weights.WeightScope;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.Objects;
import java.util.function.BiFunction;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Connectors and reductions against torch and transformers; see tools/reference/connectors. */
class ConnectorsTest {

  private static final double TOLERANCE = 1e-4;

  private Checkpoint file;
  private CheckpointWeights weights;
  private Backend backend;

  @BeforeEach
  void open() throws URISyntaxException {
    String resource = "/connectors/connectors.safetensors";
    file =
        Checkpoint.open(
            Path.of(Objects.requireNonNull(ConnectorsTest.class.getResource(resource)).toURI()));
    weights = new CheckpointWeights(file);
    backend = Backends.find().open(null, BackendOptions.DEFAULT);
  }

  @AfterEach
  void close() {
    backend.close();
    file.close();
  }

  @Test
  void linearConnectorMapsEachRow() {
    Connector connector = new LinearConnector(Linear.of(scope("linear").at("0"), 12, 20));
    assertThat(connector.outputSize()).isEqualTo(20);
    assertThat(connector.reduction()).isEqualTo(1);
    assertEqualsReference("linear", connector::connect);
  }

  @Test
  void linearConnectorNeedsNoBias() {
    Linear linear = Linear.withoutBias(scope("linear_without_bias").at("0"), 12, 20);
    assertEqualsReference("linear_without_bias", new LinearConnector(linear)::connect);
  }

  @ParameterizedTest
  @CsvSource({
    "llava_gelu, GELU, true",
    "llava_gelu_tanh, GELU_TANH, true",
    "llava_silu_without_bias, SILU, false"
  })
  void mlpConnectorIsTheProjectorOfLlava(String name, Activation activation, boolean bias) {
    WeightScope scope = scope(name);
    Connector connector =
        MlpConnector.of(
            activation,
            linear(scope.at("linear_1"), 12, 20, bias),
            linear(scope.at("linear_2"), 20, 20, bias));
    assertThat(connector.outputSize()).isEqualTo(20);
    assertEqualsReference(name, connector::connect);
  }

  @Test
  void mlpConnectorReadsTheBareNamesOfASequential() {
    WeightScope scope = scope("bare");
    Connector connector =
        MlpConnector.of(
            Activation.GELU, Linear.of(scope.at("0"), 10, 24), Linear.of(scope.at("2"), 24, 16));
    assertEqualsReference("bare", connector::connect);
  }

  @Test
  void mlpConnectorHasAsManyLayersAsGiven() {
    WeightScope scope = scope("three_layers");
    Connector connector =
        MlpConnector.of(
            Activation.SILU,
            Linear.of(scope.at("0"), 10, 24),
            Linear.of(scope.at("2"), 24, 18),
            Linear.of(scope.at("4"), 18, 16));
    assertEqualsReference("three_layers", connector::connect);
  }

  @Test
  void consecutiveTokensAreJoinedAndNormalised() {
    WeightScope mlp = scope("consecutive").at("mlp");
    TokenReduction joined = new TokenConcatenation(4);
    int row = joined.rowSize(6);
    Connector connector =
        MlpConnector.normed(
            LayerNorm.of(mlp.at("0"), row, 1e-5f),
            Activation.GELU,
            Linear.of(mlp.at("1"), row, 20),
            Linear.of(mlp.at("3"), 20, 20));
    assertEqualsReference("consecutive", after(joined, new PatchGrid(2, 4, 5), connector));
  }

  @ParameterizedTest
  @CsvSource({"idefics3_2, 2, 2", "idefics3_3, 3, 1"})
  void pixelShuffleIsThatOfIdefics3(String name, int side, int frames) {
    TokenReduction joined = new PixelShuffle(side);
    Linear proj =
        Linear.withoutBias(scope(name).at("modality_projection.proj"), joined.rowSize(6), 20);
    assertEqualsReference(
        name, after(joined, new PatchGrid(frames, 6, 6), new LinearConnector(proj)));
  }

  @Test
  void pixelShuffleTakesGridsThatAreNotSquare() {
    PatchGrid grid = new PatchGrid(2, 4, 6);
    assertEqualsReference(
        "unfolded", (g, features) -> new PixelShuffle(2).reduce(g, features, grid));
  }

  @Test
  void averagePoolingDropsWhatIsLeftOver() {
    PatchGrid grid = new PatchGrid(2, 7, 5);
    Connector connector = new LinearConnector(Linear.of(scope("pooled").at("proj"), 6, 20));
    assertThat(new AveragePooling(2).tokens(grid)).isEqualTo(2 * 3 * 2);
    assertEqualsReference("pooled", after(new AveragePooling(2), grid, connector));
  }

  @Test
  void reductionsRefuseGridsThatTheyDoNotDivide() {
    PatchGrid grid = new PatchGrid(1, 4, 5);
    assertThatThrownBy(() -> new PixelShuffle(2).tokens(grid))
        .isInstanceOf(ModelException.class)
        .hasMessage("Patches of a grid of 4×5 cannot be joined in blocks of 2×2.");
    assertThatThrownBy(() -> new TokenConcatenation(3).tokens(grid))
        .isInstanceOf(ModelException.class)
        .hasMessage("The 20 patches of a grid of 4×5 cannot be joined by 3.");
    assertThatThrownBy(() -> new AveragePooling(5).tokens(grid))
        .isInstanceOf(ModelException.class)
        .hasMessage(
            "A grid of 4×5 patches is smaller than the blocks of 5×5 whose means are taken.");
  }

  /** Two pictures of 3×2 patches have 12 in all, but each has only 6. */
  @Test
  void consecutiveTokensAreNotJoinedAcrossPictures() {
    assertThatThrownBy(() -> new TokenConcatenation(4).tokens(new PatchGrid(2, 3, 2)))
        .isInstanceOf(ModelException.class);
  }

  private WeightScope scope(String name) {
    return WeightScope.of(weights).at(name);
  }

  private static Linear linear(WeightScope scope, int in, int out, boolean bias) {
    return bias ? Linear.of(scope, in, out) : Linear.withoutBias(scope, in, out);
  }

  private static BiFunction<GraphBuilder, Value, Value> after(
      TokenReduction reduction, PatchGrid grid, Connector connector) {
    return (g, features) -> {
      Value rows = reduction.reduce(g, features, grid);
      assertThat(rows.shape().dim(0)).isEqualTo(reduction.tokens(grid));
      assertThat(rows.shape().dim(1)).isEqualTo(reduction.rowSize((int) features.shape().dim(1)));
      return connector.connect(g, rows);
    };
  }

  private void assertEqualsReference(String name, BiFunction<GraphBuilder, Value, Value> connect) {
    Tensor features = file.tensor(name + ".features");
    Tensor expected = file.tensor(name + ".embeddings");
    GraphBuilder g = new GraphBuilder();
    Value input = g.input("features", DType.F32, features.shape().toArray());
    g.output("embeddings", connect.apply(g, input));
    try (Executable executable = backend.compile(g.build(), weights)) {
      executable.input("features").copyFrom(features);
      executable.run();
      Tensor actual = executable.output("embeddings");
      assertThat(actual.shape()).isEqualTo(expected.shape());
      for (long i = 0; i < expected.shape().elements(); i++) {
        assertThat(Math.abs(actual.getFloat(i) - expected.getFloat(i)))
            .as("distance of element %d of %s from the reference", i, name)
            .isLessThanOrEqualTo((float) TOLERANCE);
      }
    }
  }
}
