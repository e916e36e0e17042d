package io.github.vlm4j.bench;

import io.github.vlm4j.core.backend.Backend;
import io.github.vlm4j.core.backend.BackendOptions;
import io.github.vlm4j.core.backend.Backends;
import io.github.vlm4j.core.checkpoint.ConfigNode;
import io.github.vlm4j.core.model.VisionEncoder;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.weights.RandomWeights;
import io.github.vlm4j.core.weights.WeightScope;
import io.github.vlm4j.models.clip.DualEncoderFormat;
import io.github.vlm4j.models.clip.DualEncoderFormats;
import io.github.vlm4j.models.runtime.PictureRuntime;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** The encoders of CLIP at their real sizes, with random f32 weights: a batch of pictures. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(1)
@Warmup(iterations = 2, time = 5)
@Measurement(iterations = 3, time = 5)
public class EncoderBenchmarks {

  /** A configuration in this package's resources. */
  @Param({"clip-vit-large-patch14-336", "clip-rn50"})
  private String model;

  /** How many pictures are encoded together. */
  @Param({"1", "8"})
  private int batch;

  private RandomWeights weights;
  private Backend backend;
  private DualEncoderFormat format;
  private PictureRuntime pictures;
  private List<float[]> pixels;

  /** Lays out the model. */
  @Setup
  public void prepare() throws IOException {
    weights = new RandomWeights(DType.F32);
    backend = Backends.find().open(null, BackendOptions.DEFAULT);
    String file = model + ".json";
    try (InputStream in =
        Objects.requireNonNull(EncoderBenchmarks.class.getResourceAsStream(file))) {
      String json = new String(in.readAllBytes(), StandardCharsets.UTF_8);
      format = DualEncoderFormats.of(ConfigNode.parse(file, json)).orElseThrow();
    }
    WeightScope scope = WeightScope.of(weights);
    VisionEncoder encoder = Objects.requireNonNull(format.assemble(scope).vision());
    pictures = new PictureRuntime(encoder, backend, scope.source());
    float[] picture = new float[(int) encoder.pixelShape(format.grid()).elements()];
    for (int i = 0; i < picture.length; i++) {
      picture[i] = i % 511 / 255f - 1;
    }
    pixels = Collections.nCopies(batch, picture);
  }

  /** Encodes the pictures. */
  @Benchmark
  public List<float[]> embed() {
    return pictures.embed(pixels, format.grid());
  }

  /** Frees the model. */
  @TearDown
  public void close() {
    pictures.close();
    backend.close();
    weights.close();
  }
}
