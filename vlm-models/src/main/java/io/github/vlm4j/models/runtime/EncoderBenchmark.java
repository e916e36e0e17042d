package io.github.vlm4j.models.runtime;

import io.github.vlm4j.core.InputException;
import io.github.vlm4j.core.backend.Backend;
import io.github.vlm4j.core.model.PatchGrid;
import io.github.vlm4j.core.model.TextEncoder;
import io.github.vlm4j.core.model.VisionEncoder;
import io.github.vlm4j.core.weights.WeightSource;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Measures how fast a dual encoder embeds pictures and texts. What the numbers are does not matter
 * for speed, so pictures are a gradient and texts arbitrary tokens of full length.
 */
public final class EncoderBenchmark {

  /**
   * What to measure.
   *
   * @param batch how many pictures, and texts, are encoded together
   * @param repetitions how often each is measured, after two times that do not count
   */
  public record Plan(int batch, int repetitions) {

    /**
     * Checks the numbers.
     *
     * @throws InputException naming the one that is out of its range
     */
    public Plan {
      if (batch < 1 || batch > 1024 || repetitions < 1) {
        throw new InputException(
            "The batch must be 1 to 1024 and repetitions at least 1, not "
                + batch
                + " and "
                + repetitions
                + ".");
      }
    }
  }

  /**
   * What was measured: each list has one figure per repetition, without preprocessing.
   *
   * @param batch how many pictures, and texts, were encoded together
   * @param imageMs encoding a batch of pictures; empty without an encoder of pictures
   * @param textMs encoding a batch of texts; empty without an encoder of texts
   * @param imageFlops the multiplications and additions of a batch of pictures
   * @param textTokens the tokens of each text
   */
  public record Result(
      int batch, List<Double> imageMs, List<Double> textMs, double imageFlops, int textTokens)
      implements BenchmarkResult {

    /** Keeps immutable copies. */
    public Result {
      imageMs = List.copyOf(imageMs);
      textMs = List.copyOf(textMs);
    }
  }

  private static final int WARM_UPS = 2;

  private final @Nullable VisionEncoder vision;
  private final @Nullable TextEncoder text;
  private final Backend backend;
  private final WeightSource weights;

  /** Takes what to measure and where. */
  public EncoderBenchmark(
      @Nullable VisionEncoder vision,
      @Nullable TextEncoder text,
      Backend backend,
      WeightSource weights) {
    this.vision = vision;
    this.text = text;
    this.backend = backend;
    this.weights = weights;
  }

  /**
   * Measures.
   *
   * @param plan what
   * @param grid how each picture is cut into patches
   * @param progress told in words what comes next
   */
  public Result run(Plan plan, PatchGrid grid, Consumer<String> progress) {
    PatchGrid batch = new PatchGrid(plan.batch(), grid.height(), grid.width());
    List<Double> imageMs = vision == null ? List.of() : images(vision, plan, grid, progress);
    List<Double> textMs = text == null ? List.of() : texts(text, plan, progress);
    return new Result(
        plan.batch(),
        imageMs,
        textMs,
        vision == null ? 0 : Flops.of(PictureRuntime.embedding(vision, batch)),
        text == null ? 0 : text.contextLength());
  }

  private List<Double> images(
      VisionEncoder encoder, Plan plan, PatchGrid grid, Consumer<String> progress) {
    float[] pixels = new float[Math.toIntExact(encoder.pixelShape(grid).elements())];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = i % 511 / 255f - 1;
    }
    List<float[]> pictures = Collections.nCopies(plan.batch(), pixels);
    try (PictureRuntime runtime = new PictureRuntime(encoder, backend, weights)) {
      return measure("image", plan, progress, () -> runtime.embed(pictures, grid));
    }
  }

  private List<Double> texts(TextEncoder encoder, Plan plan, Consumer<String> progress) {
    int[] ids = new int[encoder.contextLength()];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = i * 31 % encoder.vocabularySize();
    }
    // Whatever marks the end of a text is last, so that all of it is computed.
    ids[ids.length - 1] = encoder.vocabularySize() - 1;
    List<int[]> batch = Collections.nCopies(plan.batch(), ids);
    try (TextRuntime runtime = new TextRuntime(encoder, backend, weights)) {
      return measure("text", plan, progress, () -> runtime.embed(batch));
    }
  }

  private static List<Double> measure(
      String what, Plan plan, Consumer<String> progress, Runnable work) {
    List<Double> ms = new ArrayList<>();
    for (int i = -WARM_UPS; i < plan.repetitions(); i++) {
      progress.accept(
          i < 0 ? what + ": warming up" : what + ": " + (i + 1) + " of " + plan.repetitions());
      long started = System.nanoTime();
      work.run();
      if (i >= 0) {
        ms.add((System.nanoTime() - started) / 1e6);
      }
    }
    return ms;
  }
}
