package io.github.vlm4j.cli;

import static java.util.Objects.requireNonNull;

import io.github.vlm4j.core.backend.Backend;
import io.github.vlm4j.core.backend.BackendOptions;
import io.github.vlm4j.core.backend.Backends;
import io.github.vlm4j.core.backend.DeviceLimits;
import io.github.vlm4j.core.quant.QuantisationScheme;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.models.Benchmarks;
import io.github.vlm4j.models.runtime.BenchmarkResult;
import io.github.vlm4j.models.runtime.EncoderBenchmark;
import io.github.vlm4j.models.runtime.ModelBenchmark;
import io.github.vlm4j.models.runtime.ModelBenchmark.PictureSize;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code vlm bench}: how fast a model is here. */
@Command(
    name = "bench",
    description = {
      "Measures prefill and decode in tokens per second, the encoding of a picture in milliseconds,"
          + " and peak memory; of a model that only embeds (CLIP, SigLIP), pictures and texts per "
          + "second.",
      "With --config and --random-weights no checkpoint is needed: weights of the real shapes are "
          + "made up."
    },
    mixinStandardHelpOptions = true)
final class BenchCommand implements Callable<Integer> {

  private static final Pattern SIZE = Pattern.compile("(\\d{1,5})x(\\d{1,5})");

  /** The types that weights can be made up in. */
  enum WeightType {
    BF16(DType.BF16, null),
    F16(DType.F16, null),
    F32(DType.F32, null),
    Q8_0(DType.Q8_0, QuantisationScheme.Q8_0),
    Q4_0(DType.Q4_0, QuantisationScheme.Q4_0),
    Q4_K(DType.Q4_K, QuantisationScheme.Q4_K),
    Q6_K(DType.Q6_K, QuantisationScheme.Q6_K),
    Q4_K_M(DType.Q4_K, QuantisationScheme.Q4_K_M);

    private final DType dtype;
    private final @Nullable QuantisationScheme scheme;

    WeightType(DType dtype, @Nullable QuantisationScheme scheme) {
      this.dtype = dtype;
      this.scheme = scheme;
    }

    BenchmarkResult measure(Benchmarks benchmarks, Path config) {
      return scheme == null ? benchmarks.random(config, dtype) : benchmarks.random(config, scheme);
    }
  }

  private final Terminal terminal;

  @Spec CommandSpec command = CommandSpec.create();

  @Option(
      names = "--model",
      paramLabel = "PATH",
      description = "A model folder, or a file of weights.")
  @Nullable Path model;

  @Mixin ModelPartsOptions parts = new ModelPartsOptions();

  @Option(
      names = "--config",
      paramLabel = "FILE",
      description =
          "A config.json, the folder it is in, or a configuration of open_clip, for "
              + "--random-weights.")
  @Nullable Path config;

  @Option(
      names = "--random-weights",
      paramLabel = "TYPE",
      description =
          "Makes weights up, in bf16, f16, f32, or in blocks as llama.cpp stores them: q8_0, q4_0, "
              + "q4_k_m, q4_k, q6_k.")
  @Nullable WeightType randomWeights;

  @Option(
      names = "--prompt-tokens",
      paramLabel = "N",
      split = ",",
      defaultValue = "512",
      description =
          "The tokens of the prompt; several lengths are measured one after the other. "
              + "Default: ${DEFAULT-VALUE}.")
  List<Integer> promptTokens = List.of();

  @Option(
      names = "--context",
      paramLabel = "N",
      split = ",",
      description =
          "How many tokens there are when the first is written; they are taken as read. "
              + "Default: those of the prompt.")
  @Nullable List<Integer> contexts;

  @Option(
      names = "--new-tokens",
      paramLabel = "N",
      defaultValue = "64",
      description = "The tokens to write at each context. Default: ${DEFAULT-VALUE}.")
  int newTokens;

  @Option(
      names = "--image-size",
      paramLabel = "HxW",
      split = ",",
      defaultValue = "512x512",
      description =
          "The picture's height and width in pixels, or several; 0x0 leaves pictures out. "
              + "Default: ${DEFAULT-VALUE}.")
  List<String> imageSizes = List.of();

  @Option(
      names = "--batch",
      paramLabel = "N",
      defaultValue = "1",
      description =
          "The pictures, and texts, that a model which embeds encodes together. "
              + "Default: ${DEFAULT-VALUE}.")
  int batch;

  @Option(
      names = "--repetitions",
      paramLabel = "N",
      defaultValue = "3",
      description =
          "How often each is measured, after times that do not count. "
              + "Default: ${DEFAULT-VALUE}.")
  int repetitions;

  @Option(
      names = "--limits",
      description =
          "Measures the machine's memory bandwidth and peak arithmetic, too, and tells "
              + "the figures as fractions of them.")
  boolean limits;

  @Option(names = "--json", description = "Prints one JSON document.")
  boolean json;

  @Mixin ModelOptions modelOptions = new ModelOptions();

  @Mixin CacheOptions cache = new CacheOptions();

  @Mixin QuantizeOption quantize = new QuantizeOption();

  BenchCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() {
    Benchmarks.Plan plan = plan();
    boolean stored = model != null && config == null && randomWeights == null;
    boolean random = model == null && config != null && randomWeights != null;
    if (!stored && !random) {
      throw usage("Give either --model DIR, or --config FILE and --random-weights TYPE together");
    }
    BackendOptions options = modelOptions.backendOptions(terminal);
    try (Backend backend = Backends.find().open(modelOptions.backend, options)) {
      Optional<DeviceLimits> before = limits ? backend.measureLimits() : Optional.empty();
      BenchmarkResult result = measure(new Benchmarks(backend, plan, terminal::progress));
      Optional<DeviceLimits> measured = before.map(first -> best(first, backend));
      terminal.clearProgress();
      Surroundings where = new Surroundings(backend.description(), measured, Machine.peakBytes());
      print(report(where, result));
      return Main.OK;
    }
  }

  /** A shared machine's limits change from minute to minute: taken before and after, the better. */
  private static DeviceLimits best(DeviceLimits first, Backend backend) {
    DeviceLimits second = backend.measureLimits().orElse(first);
    return new DeviceLimits(
        Math.max(first.flopsPerSecond(), second.flopsPerSecond()),
        Math.max(first.bytesPerSecond(), second.bytesPerSecond()));
  }

  private BenchmarkResult measure(Benchmarks benchmarks) {
    return config != null && randomWeights != null
        ? randomWeights.measure(benchmarks, config)
        : benchmarks.checkpoint(
            parts.of(requireNonNull(model)), quantize.to == null ? null : quantize.to.scheme);
  }

  private static BenchReport report(Surroundings where, BenchmarkResult result) {
    return switch (result) {
      case ModelBenchmark.Result writing -> new ModelReport(where, writing);
      case EncoderBenchmark.Result embedding -> new EncoderReport(where, embedding);
    };
  }

  private void print(BenchReport report) {
    if (json) {
      Json.print(terminal.out(), report.json());
    } else {
      terminal.out().print(report.text());
    }
  }

  private Benchmarks.Plan plan() {
    List<Integer> at = contexts == null ? promptTokens : contexts;
    promptTokens.forEach(tokens -> requireAtLeast(1, "--prompt-tokens", tokens));
    at.forEach(tokens -> requireAtLeast(0, "--context", tokens));
    requireAtLeast(1, "--new-tokens", newTokens);
    requireAtLeast(1, "--repetitions", repetitions);
    requireAtLeast(1, "--batch", batch);
    List<PictureSize> pictures = imageSizes.stream().flatMap(size -> pictures(size)).toList();
    return new Benchmarks.Plan(
        new ModelBenchmark.Plan(promptTokens, at, newTokens, cache.dtype(), pictures, repetitions),
        new EncoderBenchmark.Plan(batch, repetitions));
  }

  private Stream<PictureSize> pictures(String size) {
    Matcher matcher = SIZE.matcher(size);
    if (!matcher.matches()) {
      throw usage("--image-size must be height x width, such as 512x512, not \"" + size + "\"");
    }
    int height = Integer.parseInt(matcher.group(1));
    int width = Integer.parseInt(matcher.group(2));
    if (height == 0 && width == 0) {
      return Stream.of();
    }
    if (height == 0 || width == 0) {
      throw usage("--image-size must be two sides above 0, or 0x0, not \"" + size + "\"");
    }
    return Stream.of(new PictureSize(height, width));
  }

  private void requireAtLeast(int least, String option, int value) {
    if (value < least) {
      throw usage(option + " must be at least " + least + ", not " + value);
    }
  }

  private ParameterException usage(String message) {
    return new ParameterException(command.commandLine(), message);
  }
}
