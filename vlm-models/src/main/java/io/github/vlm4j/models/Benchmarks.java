package io.github.vlm4j.models;

import com.sun.management.OperatingSystemMXBean;
import io.github.vlm4j.core.BackendException;
import io.github.vlm4j.core.ModelException;
import io.github.vlm4j.core.backend.Backend;
import io.github.vlm4j.core.checkpoint.Checkpoint;
import io.github.vlm4j.core.checkpoint.ConfigNode;
import io.github.vlm4j.core.quant.QuantisationPlan;
import io.github.vlm4j.core.quant.QuantisationScheme;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.weights.CheckpointWeights;
import io.github.vlm4j.core.weights.DeclaredWeights;
import io.github.vlm4j.core.weights.RandomWeights;
import io.github.vlm4j.core.weights.WeightScope;
import io.github.vlm4j.core.weights.WeightSource;
import io.github.vlm4j.models.clip.DualEncoder;
import io.github.vlm4j.models.clip.DualEncoderFormat;
import io.github.vlm4j.models.clip.DualEncoderFormats;
import io.github.vlm4j.models.family.ModelArchitecture;
import io.github.vlm4j.models.family.ModelDescription;
import io.github.vlm4j.models.family.ModelParts;
import io.github.vlm4j.models.gguf.GgufModel;
import io.github.vlm4j.models.runtime.BenchmarkResult;
import io.github.vlm4j.models.runtime.EncoderBenchmark;
import io.github.vlm4j.models.runtime.ModelBenchmark;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Measures the speed of models, from a checkpoint or with random weights of the real shapes. */
public final class Benchmarks {

  /**
   * What to measure a model with.
   *
   * @param writing for models that write
   * @param embedding for models that only embed
   */
  public record Plan(ModelBenchmark.Plan writing, EncoderBenchmark.Plan embedding) {}

  private final Backend backend;
  private final Plan plan;
  private final Consumer<String> progress;

  /**
   * Takes what to measure with.
   *
   * @param backend what to run it on
   * @param plan what to measure
   * @param progress told in words what comes next
   */
  public Benchmarks(Backend backend, Plan plan, Consumer<String> progress) {
    this.backend = backend;
    this.plan = plan;
    this.progress = progress;
  }

  /**
   * Measures a checkpoint's speed.
   *
   * @param model a model folder, or a file of weights of a dual encoder
   * @throws io.github.vlm4j.core.VlmException if the model is not supported or malformed
   */
  public BenchmarkResult checkpoint(Path model) {
    return checkpoint(ModelParts.of(model));
  }

  /**
   * Measures the speed of a model that is put together from several files.
   *
   * @param parts its files
   * @throws io.github.vlm4j.core.VlmException if the model is not supported or malformed
   */
  public BenchmarkResult checkpoint(ModelParts parts) {
    return checkpoint(parts, null);
  }

  /**
   * Measures the speed of a model whose weights are quantised when they are first read.
   *
   * @param parts its files
   * @param quantisation how; null for not at all
   * @throws io.github.vlm4j.core.VlmException if the model is not supported or malformed
   */
  public BenchmarkResult checkpoint(ModelParts parts, @Nullable QuantisationScheme quantisation) {
    if (!GgufModel.isGguf(parts.model())) {
      try (Checkpoint checkpoint = Checkpoint.open(parts.model())) {
        Optional<DualEncoderFormat> format = DualEncoderFormats.of(parts.model(), checkpoint);
        if (format.isPresent()) {
          return measure(format.get(), new CheckpointWeights(checkpoint));
        }
      }
    }
    try (OpenedModel opened = OpenedModel.open(parts, quantisation)) {
      return measure(opened.architecture(), opened.source());
    }
  }

  /**
   * Measures the speed of a configuration with random weights of the real shapes.
   *
   * @param config a {@code config.json}, the folder it is in, or a configuration of open_clip
   * @param dtype the type of the weights: f32, f16, bf16 or a block-quantised one
   * @throws io.github.vlm4j.core.VlmException if the model is not supported or malformed
   */
  public BenchmarkResult random(Path config, DType dtype) {
    ConfigNode node =
        ConfigNode.read(Files.isDirectory(config) ? config.resolve("config.json") : config);
    Optional<DualEncoderFormat> format = DualEncoderFormats.of(node);
    try (RandomWeights weights = new RandomWeights(dtype)) {
      requireMemory(node, format, weights, dtype);
      progress.accept("making random weights");
      return format.isPresent() ? measure(format.get(), weights) : measure(node, weights);
    }
  }

  /**
   * Measures the speed of a configuration of a model that writes with random quantised weights of
   * the real shapes; what the scheme leaves alone is bf16.
   *
   * @param config a {@code config.json}, or the folder it is in
   * @param scheme what is quantised, and how
   * @throws io.github.vlm4j.core.VlmException if the model is not supported or malformed
   */
  public BenchmarkResult random(Path config, QuantisationScheme scheme) {
    ConfigNode node =
        ConfigNode.read(Files.isDirectory(config) ? config.resolve("config.json") : config);
    if (DualEncoderFormats.of(node).isPresent()) {
      throw new ModelException(
          node.where()
              + " is of a model that only embeds, which is not quantised; choose bf16, f16 or"
              + " f32.");
    }
    WeightScope declared = WeightScope.of(new DeclaredWeights(DType.BF16));
    assemble(node, declared);
    Set<String> names = declared.tree().weights().keySet();
    try (RandomWeights weights = new RandomWeights(QuantisationPlan.of(scheme, names, false))) {
      requireMemory(node, Optional.empty(), weights, DType.BF16);
      progress.accept("making random weights");
      return measure(node, weights);
    }
  }

  private BenchmarkResult measure(DualEncoderFormat format, WeightSource weights) {
    WeightScope scope = WeightScope.of(weights);
    DualEncoder encoder = format.assemble(scope);
    return new EncoderBenchmark(encoder.vision(), encoder.text(), backend, scope.source())
        .run(plan.embedding(), format.grid(), progress);
  }

  private BenchmarkResult measure(ConfigNode config, WeightSource weights) {
    WeightScope scope = WeightScope.of(weights);
    return measure(assemble(config, scope), scope.source());
  }

  private static ModelArchitecture assemble(ConfigNode config, WeightScope scope) {
    ModelDescription description = ModelDescription.of(config);
    return ModelFamilies.of(description).family().assemble(description, scope);
  }

  private BenchmarkResult measure(ModelArchitecture architecture, WeightSource weights) {
    return new ModelBenchmark(architecture, backend, weights, progress).run(plan.writing());
  }

  /** Told before gigabytes are filled until the system ends the process. */
  private static void requireMemory(
      ConfigNode config, Optional<DualEncoderFormat> format, RandomWeights weights, DType dtype) {
    WeightScope declared = WeightScope.of(weights);
    if (format.isPresent()) {
      format.get().assemble(declared);
    } else {
      assemble(config, declared);
    }
    long needed = declared.tree().byteSize();
    long memory =
        ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getTotalMemorySize();
    if (needed > memory) {
      throw new BackendException(
          "The weights of "
              + config.where()
              + " take %.1f GiB in %s".formatted(gib(needed), dtype)
              + " but this machine has %.1f GiB".formatted(gib(memory))
              + "; choose a smaller model or type.");
    }
  }

  private static double gib(long bytes) {
    return bytes / (double) (1L << 30);
  }
}
