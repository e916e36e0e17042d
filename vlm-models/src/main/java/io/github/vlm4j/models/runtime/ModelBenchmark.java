package io.github.vlm4j.models.runtime;

import com.sun.management.ThreadMXBean;
import io.github.vlm4j.core.InputException;
import io.github.vlm4j.core.backend.Backend;
import io.github.vlm4j.core.graph.Graph;
import io.github.vlm4j.core.model.CacheLayout;
import io.github.vlm4j.core.model.PatchGrid;
import io.github.vlm4j.core.model.TokenPositions;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.weights.WeightSource;
import io.github.vlm4j.models.family.ModelArchitecture;
import io.github.vlm4j.models.family.PreparedVisual;
import io.github.vlm4j.models.family.VisualPath;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Measures how fast a model reads prompts, writes tokens and encodes pictures. What the numbers are
 * does not matter for speed, so prompts are arbitrary tokens, pictures a gradient, and the tokens
 * before those that are written are taken as read.
 */
public final class ModelBenchmark {

  /**
   * What to measure.
   *
   * @param prompts lengths of prompts
   * @param contexts how many tokens there are when the first is written
   * @param newTokens how many tokens are written at each of them
   * @param cacheType the type that keys and values are kept in; null for the usual one
   * @param pictures sizes of pictures
   * @param repetitions how often each is measured, after times that do not count
   */
  public record Plan(
      List<Integer> prompts,
      List<Integer> contexts,
      int newTokens,
      @Nullable DType cacheType,
      List<PictureSize> pictures,
      int repetitions) {

    /**
     * Checks the numbers and keeps immutable copies.
     *
     * @throws InputException naming the one that is out of its range
     */
    public Plan {
      prompts = List.copyOf(prompts);
      contexts = List.copyOf(contexts);
      pictures = List.copyOf(pictures);
      if (prompts.stream().anyMatch(tokens -> tokens < 1)) {
        throw new InputException("Prompts must have at least 1 token each, not " + prompts + ".");
      }
      if (contexts.stream().anyMatch(tokens -> tokens < 0)) {
        throw new InputException("Contexts must be 0 or more tokens each, not " + contexts + ".");
      }
      if (newTokens < 1 || repetitions < 1) {
        throw new InputException(
            "New tokens and repetitions must each be at least 1, not "
                + newTokens
                + " and "
                + repetitions
                + ".");
      }
    }
  }

  /**
   * The size of a picture in pixels.
   *
   * @param height its height
   * @param width its width
   */
  public record PictureSize(int height, int width) {

    /**
     * Checks that neither is below 1.
     *
     * @throws InputException if one is
     */
    public PictureSize {
      if (height < 1 || width < 1) {
        throw new InputException(
            "A picture must have two sides above 0, not " + height + "×" + width + ".");
      }
    }
  }

  /**
   * Reading a prompt.
   *
   * @param tokens the prompt's length
   * @param flops its multiplications and additions
   * @param tokensPerSecond one figure per repetition
   */
  public record Prefill(int tokens, double flops, List<Double> tokensPerSecond) {

    /** Keeps an immutable copy. */
    public Prefill {
      tokensPerSecond = List.copyOf(tokensPerSecond);
    }
  }

  /**
   * Writing tokens.
   *
   * @param context how many tokens there were when the first was written
   * @param bytes what is read from memory for a token: weights and cached keys and values
   * @param allocatedBytes what all threads of the process allocated on the heap for a token
   * @param tokensPerSecond one figure per repetition
   */
  public record Decode(
      int context, double bytes, double allocatedBytes, List<Double> tokensPerSecond) {

    /** Keeps an immutable copy. */
    public Decode {
      tokensPerSecond = List.copyOf(tokensPerSecond);
    }
  }

  /**
   * Encoding a picture, without preprocessing.
   *
   * @param size its size
   * @param flops its multiplications and additions
   * @param ms one figure per repetition
   */
  public record Picture(PictureSize size, double flops, List<Double> ms) {

    /** Keeps an immutable copy. */
    public Picture {
      ms = List.copyOf(ms);
    }
  }

  /**
   * What was measured, in the order of the plan.
   *
   * @param weightType the type that most weights are stored in
   * @param cacheType the type that keys and values are kept in
   * @param prefills one per prompt
   * @param decodes one per context
   * @param pictures one per picture; empty if the model reads none
   */
  public record Result(
      DType weightType,
      DType cacheType,
      List<Prefill> prefills,
      List<Decode> decodes,
      List<Picture> pictures)
      implements BenchmarkResult {

    /** Keeps immutable copies. */
    public Result {
      prefills = List.copyOf(prefills);
      decodes = List.copyOf(decodes);
      pictures = List.copyOf(pictures);
    }

    /** Returns the median of some figures. */
    public static double median(List<Double> figures) {
      double[] sorted = figures.stream().mapToDouble(Double::doubleValue).sorted().toArray();
      int middle = sorted.length / 2;
      return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
  }

  private static final long MAX_PIXEL_VALUES = 1 << 28;

  /** Of a long prompt the beginning is enough to warm up with: the rest runs the same code. */
  private static final int WARM_UP_TOKENS = 128;

  /** Until the compilers are done with what a token and a prompt run. */
  private static final int WARM_UPS = 3;

  private final ModelArchitecture architecture;
  private final Backend backend;
  private final WeightSource weights;
  private final Consumer<String> progress;
  private final ThreadMXBean threads = ManagementFactory.getPlatformMXBean(ThreadMXBean.class);

  /**
   * Takes what to measure and where.
   *
   * @param architecture of the model
   * @param backend to run it on
   * @param weights its parameters
   * @param progress told in words what comes next
   */
  public ModelBenchmark(
      ModelArchitecture architecture,
      Backend backend,
      WeightSource weights,
      Consumer<String> progress) {
    this.architecture = architecture;
    this.backend = backend;
    this.weights = weights;
    this.progress = progress;
  }

  /**
   * Measures.
   *
   * @param plan what
   * @throws InputException if a prompt, or a context and new tokens, are more than the model's
   *     context, or a picture is too large to be measured
   */
  public Result run(Plan plan) {
    plan.prompts().forEach(tokens -> requireContext(tokens, 0));
    plan.contexts().forEach(tokens -> requireContext(tokens, plan.newTokens()));
    DType cacheType =
        plan.cacheType() == null ? DecoderRuntime.usualCacheType(architecture) : plan.cacheType();
    Graph step = DecoderRuntime.graph(architecture, 1, new CacheLayout(cacheType, 1));
    Optional<VisualPath> visual = architecture.visual();
    return new Result(
        TokenTraffic.weightType(step),
        cacheType,
        plan.prompts().stream().map(tokens -> prefill(tokens, cacheType, plan)).toList(),
        plan.contexts().stream().map(context -> decode(context, step, cacheType, plan)).toList(),
        visual.stream()
            .flatMap(path -> plan.pictures().stream().map(size -> picture(path, size, plan)))
            .toList());
  }

  private void requireContext(int tokens, int newTokens) {
    int most = architecture.decoder().geometry().contextLength();
    if ((long) tokens + newTokens > most) {
      throw new InputException(
          tokens
              + (newTokens == 0 ? " tokens" : " tokens and " + newTokens + " new ones")
              + " are more than the model's context of "
              + most
              + "; ask for fewer.");
    }
  }

  private Prefill prefill(int tokens, DType cacheType, Plan plan) {
    int vocabulary = architecture.decoder().geometry().vocabularySize();
    int[] prompt = IntStream.range(0, tokens).map(i -> i * 31 % vocabulary).toArray();
    int[] beginning = Arrays.copyOf(prompt, Math.min(tokens, WARM_UP_TOKENS));
    TokenPositions positions = TokenPositions.sequential();
    List<Double> tokensPerSecond = new ArrayList<>();
    try (DecoderRuntime runtime = new DecoderRuntime(architecture, backend, weights, cacheType)) {
      runtime.reserve(tokens);
      for (int i = 1 - WARM_UPS; i <= plan.repetitions(); i++) {
        progress.accept(step("prefill of " + tokens, i, plan));
        runtime.reset();
        long started = System.nanoTime();
        runtime.prefill(i < 1 ? beginning : prompt, List.of(), positions, done -> {});
        long ended = System.nanoTime();
        if (i > 0) {
          tokensPerSecond.add(tokens / ((ended - started) / 1e9));
        }
      }
    }
    return new Prefill(
        tokens, Flops.of(DecoderRuntime.graph(architecture, tokens)), tokensPerSecond);
  }

  private Decode decode(int context, Graph step, DType cacheType, Plan plan) {
    int vocabulary = architecture.decoder().geometry().vocabularySize();
    TokenPositions positions = TokenPositions.sequential();
    List<Double> tokensPerSecond = new ArrayList<>();
    long allocated = 0;
    try (DecoderRuntime runtime = new DecoderRuntime(architecture, backend, weights, cacheType)) {
      runtime.reserve(context + plan.newTokens());
      for (int i = 1 - WARM_UPS; i <= plan.repetitions(); i++) {
        progress.accept(step("decode at " + context, i, plan));
        runtime.reset();
        runtime.skip(context);
        long before = threads.getTotalThreadAllocatedBytes();
        long started = System.nanoTime();
        for (int token = 0; token < plan.newTokens(); token++) {
          runtime.step(token % vocabulary, positions);
        }
        long ended = System.nanoTime();
        allocated = threads.getTotalThreadAllocatedBytes() - before;
        if (i > 0) {
          tokensPerSecond.add(plan.newTokens() / ((ended - started) / 1e9));
        }
      }
    }
    return new Decode(
        context,
        TokenTraffic.of(step, context + plan.newTokens() / 2.0),
        (double) allocated / plan.newTokens(),
        tokensPerSecond);
  }

  private Picture picture(VisualPath path, PictureSize size, Plan plan) {
    PatchGrid grid = path.gridFor(size.height(), size.width());
    long elements = path.pixelShape(grid).elements();
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
    int[] rows = IntStream.range(0, path.visualTokens(grid)).toArray();
    PreparedVisual visual = new PreparedVisual(pixels, grid, rows);
    List<Double> ms = new ArrayList<>();
    try (VisualRuntime runtime = new VisualRuntime(path, backend, weights)) {
      for (int i = 0; i <= plan.repetitions(); i++) {
        progress.accept(step("image of " + size.height() + "×" + size.width(), i, plan));
        long started = System.nanoTime();
        runtime.encode(visual);
        if (i > 0) {
          ms.add((System.nanoTime() - started) / 1e6);
        }
      }
    }
    return new Picture(size, Flops.of(VisualRuntime.graph(path, grid)), ms);
  }

  private static String step(String what, int repetition, Plan plan) {
    return repetition < 1
        ? what + ": warming up"
        : what + ": " + repetition + " of " + plan.repetitions();
  }
}
