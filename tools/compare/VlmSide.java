import io.github.vlm4j.core.backend.Backend;
import io.github.vlm4j.core.backend.BackendOptions;
import io.github.vlm4j.core.backend.Backends;
import io.github.vlm4j.core.backend.DeviceLimits;
import io.github.vlm4j.core.checkpoint.ConfigNode;
import io.github.vlm4j.core.model.PatchGrid;
import io.github.vlm4j.core.model.VisionEncoder;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.weights.RandomWeights;
import io.github.vlm4j.core.weights.WeightScope;
import io.github.vlm4j.models.clip.DualEncoderFormat;
import io.github.vlm4j.models.clip.DualEncoderFormats;
import io.github.vlm4j.models.runtime.PictureRuntime;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Scanner;

/**
 * VLM4J's side of the comparison. Arguments: a configuration, the pictures of a batch, the threads.
 * For each number on standard input, encodes that many batches and answers with the milliseconds of
 * each; for "limits", with the machine's peak GFLOP/s and GB/s.
 */
public final class VlmSide {

  private VlmSide() {}

  /** Serves until standard input ends. */
  public static void main(String[] args) {
    Path config = Path.of(args[0]);
    int batch = Integer.parseInt(args[1]);
    BackendOptions options = new BackendOptions(Integer.parseInt(args[2]));
    try (RandomWeights weights = new RandomWeights(DType.F32);
        Backend backend = Backends.find().open(null, options)) {
      DualEncoderFormat format = DualEncoderFormats.of(ConfigNode.read(config)).orElseThrow();
      WeightScope scope = WeightScope.of(weights);
      VisionEncoder encoder = Objects.requireNonNull(format.assemble(scope).vision());
      PatchGrid grid = format.grid();
      float[] pixels = new float[Math.toIntExact(encoder.pixelShape(grid).elements())];
      for (int i = 0; i < pixels.length; i++) {
        pixels[i] = i % 511 / 255f - 1;
      }
      List<float[]> pictures = Collections.nCopies(batch, pixels);
      try (PictureRuntime runtime = new PictureRuntime(encoder, backend, scope.source())) {
        System.out.println("ready " + backend.description());
        Scanner in = new Scanner(System.in);
        while (in.hasNext()) {
          String command = in.next();
          System.out.println(
              command.equals("limits")
                  ? limits(backend)
                  : times(Integer.parseInt(command), () -> runtime.embed(pictures, grid)));
        }
      }
    }
  }

  private static String limits(Backend backend) {
    DeviceLimits limits = backend.measureLimits().orElseThrow();
    return String.format(
        Locale.ROOT, "%.1f %.1f", limits.flopsPerSecond() / 1e9, limits.bytesPerSecond() / 1e9);
  }

  private static String times(int runs, Runnable encode) {
    StringBuilder times = new StringBuilder();
    for (int i = 0; i < runs; i++) {
      long start = System.nanoTime();
      encode.run();
      double milliseconds = (System.nanoTime() - start) / 1e6;
      times.append(String.format(Locale.ROOT, "%.3f ", milliseconds));
    }
    return times.toString();
  }
}
