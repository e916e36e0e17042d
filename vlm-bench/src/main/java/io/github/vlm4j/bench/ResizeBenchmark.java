package io.github.vlm4j.bench;

import io.github.vlm4j.core.checkpoint.ConfigNode;
import io.github.vlm4j.vision.image.Image;
import io.github.vlm4j.vision.preprocess.PatchedImage;
import io.github.vlm4j.vision.preprocess.QwenImageConfig;
import io.github.vlm4j.vision.preprocess.QwenImageProcessor;
import java.util.Random;
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
import org.openjdk.jmh.annotations.Warmup;

/** From decoded pixels to patches: bicubic resizing to a megapixel, normalising, cutting. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class ResizeBenchmark {

  /** Width × height of the picture. */
  @Param({"640x480", "4032x3024"})
  public String size = "";

  private QwenImageProcessor processor;
  private Image image;

  /** Makes a picture of noise. */
  @Setup
  public void prepare() {
    processor =
        new QwenImageProcessor(
            QwenImageConfig.of(
                ConfigNode.parse(
                    "benchmark",
                    """
                    {"size": {"shortest_edge": 65536, "longest_edge": 1048576},
                     "patch_size": 16, "temporal_patch_size": 2, "merge_size": 2,
                     "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}
                    """)));
    String[] extents = size.split("x");
    int width = Integer.parseInt(extents[0]);
    int height = Integer.parseInt(extents[1]);
    byte[] rgb = new byte[width * height * 3];
    new Random(1).nextBytes(rgb);
    image = Image.ofRgb(rgb, width, height);
  }

  /** Prepares the picture. */
  @Benchmark
  public PatchedImage run() {
    return processor.process(image);
  }
}
