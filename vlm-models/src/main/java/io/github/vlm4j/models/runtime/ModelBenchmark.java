package io.github.vlm4j.models.runtime;

import io.github.vlm4j.core.InputException;
import io.github.vlm4j.core.backend.Backend;
import io.github.vlm4j.core.model.DecoderGeometry;
import io.github.vlm4j.core.model.PatchGrid;
import io.github.vlm4j.core.model.TokenPositions;
import io.github.vlm4j.core.weights.WeightSource;
import io.github.vlm4j.models.family.ModelArchitecture;
import io.github.vlm4j.models.family.PreparedVisual;
import io.github.vlm4j.models.family.VisualPath;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Measures how fast a model reads prompts, writes tokens and encodes pictures. What the numbers are
 * does not matter for speed, so prompts are arbitrary tokens and pictures a gradient.
 */
public final class ModelBenchmark {

  /**
   * What to measure.
   *
   * @param promptTokens the length of the prompt
   * @param newTokens how many tokens are written after it
   * @param grid the picture's patches; null leaves the encoder out
   * @param repetitions how often each is measured, after one time that does not count
   */
  public record Plan(int promptTokens, int newTokens, @Nullable PatchGrid grid, int repetitions) {

    /**
     * Checks the numbers.
     *
     * @throws InputException naming the one that is out of its range
     */
    public Plan {
      if (promptTokens < 1 || newTokens < 1 || repetitions < 1) {
        throw new InputException(
            "Prompt tokens, new tokens and repetitions must each be at least 1, not "
                + promptTokens
                + ", "
                + newTokens
                + ", "
                + repetitions
                + ".");
      }
    }
  }

  /**
   * What was measured: each list has one figure per repetition.
   *
   * @param promptTokens the prompt's length
   * @param prefillTokensPerSecond reading the prompt
   * @param decodeTokensPerSecond writing tokens
   * @param imageMs encoding the picture, without preprocessing; empty if it was left out
   * @param prefillFlops the multiplications and additions of reading the prompt
   * @param decodeBytes what is read from memory for a token: weights and cached keys and values
   * @param imageFlops the multiplications and additions of encoding the picture
   */
  public record Result(
      int promptTokens,
      List<Double> prefillTokensPerSecond,
      List<Double> decodeTokensPerSecond,
      List<Double> imageMs,
      double prefillFlops,
      double decodeBytes,
      double imageFlops)
      implements BenchmarkResult {

    /** Keeps immutable copies. */
    public Result {
      prefillTokensPerSecond = List.copyOf(prefillTokensPerSecond);
      decodeTokensPerSecond = List.copyOf(decodeTokensPerSecond);
      imageMs = List.copyOf(imageMs);
    }

    /** Returns the median of some figures. */
    public static double median(List<Double> figures) {
      double[] sorted = figures.stream().mapToDouble(Double::doubleValue).sorted().toArray();
      int middle = sorted.length / 2;
      return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
  }

  private static final long MAX_PIXEL_VALUES = 1 << 28;

  private final ModelArchitecture architecture;
  private final Backend backend;
  private final WeightSource weights;

  /** Takes what to measure and where. */
  public ModelBenchmark(ModelArchitecture architecture, Backend backend, WeightSource weights) {
    this.architecture = architecture;
    this.backend = backend;
    this.weights = weights;
  }

  /**
   * Measures.
   *
   * @param plan what
   * @param progress told in words what comes next
   * @throws InputException if prompt and new tokens are more than the model's context
   */
  public Result run(Plan plan, Consumer<String> progress) {
    DecoderGeometry geometry = architecture.decoder().geometry();
    if ((long) plan.promptTokens() + plan.newTokens() > geometry.contextLength()) {
      throw new InputException(
          "A prompt of "
              + plan.promptTokens()
              + " and "
              + plan.newTokens()
              + " new tokens are more than the model's context of "
              + geometry.contextLength()
              + "; ask for fewer.");
    }
    List<Double> imageMs = new ArrayList<>();
    if (plan.grid() != null) {
      measureImages(plan, plan.grid(), imageMs, progress);
    }
    List<Double> prefill = new ArrayList<>();
    List<Double> decode = new ArrayList<>();
    measureText(plan, prefill, decode, progress);
    return new Result(
        plan.promptTokens(),
        prefill,
        decode,
        imageMs,
        Flops.of(DecoderRuntime.graph(architecture, plan.promptTokens())),
        TokenTraffic.of(
            DecoderRuntime.graph(architecture, 1), plan.promptTokens() + plan.newTokens() / 2.0),
        plan.grid() == null ? 0 : Flops.of(VisualRuntime.graph(visual(), plan.grid())));
  }

  private void measureImages(
      Plan plan, PatchGrid grid, List<Double> imageMs, Consumer<String> progress) {
    long elements = visual().pixelShape(grid).elements();
    if (elements > MAX_PIXEL_VALUES) {
      throw new InputException(
          "A picture of "
              + grid.height()
              + "×"
              + grid.width()
              + " patches has "
              + elements
              + " pixel values, more than the "
              + MAX_PIXEL_VALUES
              + " that are measured; choose a smaller one.");
    }
    float[] pixels = new float[(int) elements];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = i % 511 / 255f - 1;
    }
    int[] rows = IntStream.range(0, visual().visualTokens(grid)).toArray();
    PreparedVisual visual = new PreparedVisual(pixels, grid, rows);
    try (VisualRuntime runtime = new VisualRuntime(visual(), backend, weights)) {
      for (int i = 0; i <= plan.repetitions(); i++) {
        progress.accept(step("image", i, plan));
        long started = System.nanoTime();
        runtime.encode(visual);
        if (i > 0) {
          imageMs.add((System.nanoTime() - started) / 1e6);
        }
      }
    }
  }

  private VisualPath visual() {
    return architecture.visual().orElseThrow();
  }

  private void measureText(
      Plan plan, List<Double> prefill, List<Double> decode, Consumer<String> progress) {
    int vocabulary = architecture.decoder().geometry().vocabularySize();
    int[] prompt = IntStream.range(0, plan.promptTokens()).map(i -> i * 31 % vocabulary).toArray();
    TokenPositions positions = TokenPositions.sequential();
    try (DecoderRuntime runtime = new DecoderRuntime(architecture, backend, weights)) {
      runtime.reserve(plan.promptTokens() + plan.newTokens());
      for (int i = 0; i <= plan.repetitions(); i++) {
        progress.accept(step("prefill", i, plan));
        runtime.reset();
        long started = System.nanoTime();
        runtime.prefill(prompt, List.of(), positions, done -> {});
        long read = System.nanoTime();
        progress.accept(step("decode", i, plan));
        long writing = System.nanoTime();
        for (int token = 0; token < plan.newTokens(); token++) {
          runtime.step(token % vocabulary, positions);
        }
        long written = System.nanoTime();
        if (i > 0) {
          prefill.add(plan.promptTokens() / ((read - started) / 1e9));
          decode.add(plan.newTokens() / ((written - writing) / 1e9));
        }
      }
    }
  }

  private static String step(String what, int repetition, Plan plan) {
    return repetition == 0
        ? what + ": warming up"
        : what + ": " + repetition + " of " + plan.repetitions();
  }
}
