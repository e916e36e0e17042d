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
import io.github.vlm4j.models.family.ModelDescription;
import io.github.vlm4j.models.family.PreparedVisual;
import io.github.vlm4j.models.family.VisualPath;
import io.github.vlm4j.models.qwenvl.QwenVlFamily;
import io.github.vlm4j.models.runtime.PictureRuntime;
import io.github.vlm4j.models.runtime.VisualRuntime;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.Scanner;
import java.util.stream.IntStream;

/**
 * VLM4J's side of the comparison. Arguments: a configuration, the pictures of a batch, their side
 * in pixels, the threads, the type of the weights. For each number on standard input, encodes that
 * many batches and answers with the milliseconds of each; for "limits", with the machine's peak
 * GFLOP/s and GB/s.
 */
public final class VlmSide {

  private VlmSide() {}

  /** Serves until standard input ends. */
  public static void main(String[] args) {
    ConfigNode config = ConfigNode.read(Path.of(args[0]));
    int batch = Integer.parseInt(args[1]);
    int side = Integer.parseInt(args[2]);
    BackendOptions options = new BackendOptions(Integer.parseInt(args[3]));
    DType dtype = DType.valueOf(args[4].toUpperCase(Locale.ROOT));
    try (RandomWeights weights = new RandomWeights(dtype);
        Backend backend = Backends.find().open(null, options)) {
      WeightScope scope = WeightScope.of(weights);
      Optional<DualEncoderFormat> format = DualEncoderFormats.of(config);
      if (format.isPresent()) {
        embed(format.get(), scope, backend, batch);
      } else {
        encode(config, scope, backend, side);
      }
    }
  }

  private static void embed(
      DualEncoderFormat format, WeightScope scope, Backend backend, int batch) {
    VisionEncoder encoder = Objects.requireNonNull(format.assemble(scope).vision());
    PatchGrid grid = format.grid();
    List<float[]> pictures =
        Collections.nCopies(batch, pixels(encoder.pixelShape(grid).elements()));
    try (PictureRuntime runtime = new PictureRuntime(encoder, backend, scope.source())) {
      serve(backend, () -> runtime.embed(pictures, grid));
    }
  }

  private static void encode(ConfigNode config, WeightScope scope, Backend backend, int side) {
    ModelDescription description = ModelDescription.of(config);
    VisualPath path = QwenVlFamily.qwen3().assemble(description, scope).visual().orElseThrow();
    PatchGrid grid = path.gridFor(side, side);
    int[] rows = IntStream.range(0, path.visualTokens(grid)).toArray();
    PreparedVisual picture =
        new PreparedVisual(pixels(path.pixelShape(grid).elements()), grid, rows);
    try (VisualRuntime runtime = new VisualRuntime(path, backend, scope.source())) {
      serve(backend, () -> runtime.encode(picture));
    }
  }

  private static float[] pixels(long elements) {
    float[] pixels = new float[Math.toIntExact(elements)];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = i % 511 / 255f - 1;
    }
    return pixels;
  }

  private static void serve(Backend backend, Runnable encode) {
    System.out.println("ready " + backend.description());
    Scanner in = new Scanner(System.in);
    while (in.hasNext()) {
      String command = in.next();
      System.out.println(
          command.equals("limits") ? limits(backend) : times(Integer.parseInt(command), encode));
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
