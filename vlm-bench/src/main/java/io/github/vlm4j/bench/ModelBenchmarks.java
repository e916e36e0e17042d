package io.github.vlm4j.bench;

import io.github.vlm4j.core.backend.Backend;
import io.github.vlm4j.core.backend.BackendOptions;
import io.github.vlm4j.core.backend.Backends;
import io.github.vlm4j.core.checkpoint.ConfigNode;
import io.github.vlm4j.core.model.PatchGrid;
import io.github.vlm4j.core.model.TokenPositions;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.weights.RandomWeights;
import io.github.vlm4j.core.weights.WeightScope;
import io.github.vlm4j.models.family.ModelArchitecture;
import io.github.vlm4j.models.family.ModelDescription;
import io.github.vlm4j.models.family.PreparedVisual;
import io.github.vlm4j.models.family.VisualPath;
import io.github.vlm4j.models.qwenvl.QwenVlFamily;
import io.github.vlm4j.models.runtime.DecoderRuntime;
import io.github.vlm4j.models.runtime.EncodedVisual;
import io.github.vlm4j.models.runtime.VisualRuntime;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Qwen3-VL-2B with random bf16 weights: the whole vision tower at 512² pixels, and one decoding
 * step after 512 tokens. Takes 5 GB of memory.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(1)
@Warmup(iterations = 2, time = 5)
@Measurement(iterations = 3, time = 5)
public class ModelBenchmarks {

  private static final int CONTEXT = 512;

  private RandomWeights weights;
  private Backend backend;
  private VisualRuntime visual;
  private DecoderRuntime decoder;
  private PreparedVisual picture;
  private final TokenPositions positions = TokenPositions.sequential();

  /** Lays out the model and reads a prompt. */
  @Setup
  public void prepare() throws IOException {
    weights = new RandomWeights(DType.BF16);
    backend = Backends.find().open(null, BackendOptions.DEFAULT);
    ConfigNode config;
    try (InputStream in =
        Objects.requireNonNull(ModelBenchmarks.class.getResourceAsStream("qwen3-vl-2b.json"))) {
      String json = new String(in.readAllBytes(), StandardCharsets.UTF_8);
      config = ConfigNode.parse("qwen3-vl-2b.json", json);
    }
    ModelArchitecture architecture =
        QwenVlFamily.qwen3().assemble(ModelDescription.of(config), WeightScope.of(weights));
    VisualPath path = architecture.visual().orElseThrow();
    visual = new VisualRuntime(path, backend, weights);
    decoder = new DecoderRuntime(architecture, backend, weights);
    PatchGrid grid = path.gridFor(512, 512);
    float[] pixels = new float[(int) path.pixelShape(grid).elements()];
    int[] rows = IntStream.range(0, path.visualTokens(grid)).toArray();
    picture = new PreparedVisual(pixels, grid, rows);
    decoder.reserve(CONTEXT + 256);
    readPrompt();
  }

  private void readPrompt() {
    decoder.reset();
    decoder.prefill(IntStream.range(0, CONTEXT).toArray(), List.of(), positions, done -> {});
  }

  /** Encodes the picture. */
  @Benchmark
  public EncodedVisual visionTower() {
    return visual.encode(picture);
  }

  /** Writes a token. */
  @Benchmark
  public float[] decodeStep() {
    if (decoder.length() == CONTEXT + 256) {
      readPrompt();
    }
    return decoder.step(1, positions);
  }

  /** Frees the model. */
  @TearDown
  public void close() {
    visual.close();
    decoder.close();
    backend.close();
    weights.close();
  }
}
