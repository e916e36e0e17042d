package io.github.vlm4j.models;

import com.sun.management.OperatingSystemMXBean;
import io.github.vlm4j.core.BackendException;
import io.github.vlm4j.core.backend.Backend;
import io.github.vlm4j.core.checkpoint.Checkpoint;
import io.github.vlm4j.core.checkpoint.ConfigNode;
import io.github.vlm4j.core.model.DecoderGeometry;
import io.github.vlm4j.core.model.KvCache;
import io.github.vlm4j.core.model.PatchGrid;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.weights.CheckpointWeights;
import io.github.vlm4j.core.weights.DeclaredWeights;
import io.github.vlm4j.core.weights.ModuleTree;
import io.github.vlm4j.core.weights.RandomWeights;
import io.github.vlm4j.core.weights.WeightScope;
import io.github.vlm4j.models.family.ModelFamily;
import io.github.vlm4j.models.family.VisionLanguageArchitecture;
import io.github.vlm4j.models.runtime.ModelBenchmark;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * A model laid out but not loaded: its modules with the shapes and types of their parameters, from
 * a checkpoint's headers or from {@code config.json} alone.
 *
 * @param modelType the {@code model_type}
 * @param modules the tree of modules
 * @param decoder the decoder's sizes
 * @param fromCheckpoint whether shapes and types were read off tensor files, not only declared
 */
public record ModelLayout(
    String modelType, ModuleTree modules, DecoderGeometry decoder, boolean fromCheckpoint) {

  /** What to measure a model with; the image's size is in pixels, 0 leaves pictures out. */
  public record BenchmarkPlan(
      int promptTokens, int newTokens, int imageHeight, int imageWidth, int repetitions) {}

  /**
   * Lays a model out.
   *
   * @param folder a model folder; {@code config.json} is enough
   * @throws io.github.vlm4j.core.VlmException if the model is not supported or malformed
   */
  public static ModelLayout read(Path folder) {
    ConfigNode config = ConfigNode.read(folder.resolve("config.json"));
    ModelFamily family = ModelFamilies.of(config);
    if (!hasTensorFiles(folder)) {
      return lay(family, config, WeightScope.of(new DeclaredWeights(declaredType(config))), false);
    }
    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      CheckpointWeights weights = new CheckpointWeights(checkpoint);
      ModelLayout layout = lay(family, config, WeightScope.of(weights), true);
      weights.requireAllUsed(layout.modules(), family.ignorableTensors());
      return layout;
    }
  }

  /** Returns the bytes that one token's keys and values take in the cache. */
  public long cacheBytesPerToken() {
    return KvCache.bytes(decoder, 1);
  }

  /**
   * Measures a checkpoint's speed.
   *
   * @param folder a model folder
   * @param backend what to run it on
   * @param plan what to measure
   * @param progress told in words what comes next
   */
  public static ModelBenchmark.Result benchmark(
      Path folder, Backend backend, BenchmarkPlan plan, Consumer<String> progress) {
    ConfigNode config = ConfigNode.read(folder.resolve("config.json"));
    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      CheckpointWeights weights = new CheckpointWeights(checkpoint);
      WeightScope scope = WeightScope.of(weights);
      VisionLanguageArchitecture architecture = ModelFamilies.of(config).assemble(config, scope);
      return new ModelBenchmark(architecture, scope.tree(), backend, weights)
          .run(planFor(architecture, plan), progress);
    }
  }

  /**
   * Measures the speed of a configuration with random weights of the real shapes.
   *
   * @param config a {@code config.json} or the folder it is in
   * @param dtype the type of the weights: f32, f16 or bf16
   * @param backend what to run it on
   * @param plan what to measure
   * @param progress told in words what comes next
   */
  public static ModelBenchmark.Result benchmarkRandom(
      Path config, DType dtype, Backend backend, BenchmarkPlan plan, Consumer<String> progress) {
    ConfigNode node =
        ConfigNode.read(Files.isDirectory(config) ? config.resolve("config.json") : config);
    requireMemory(node, dtype);
    progress.accept("making random weights");
    try (RandomWeights weights = new RandomWeights(dtype)) {
      WeightScope scope = WeightScope.of(weights);
      VisionLanguageArchitecture architecture = ModelFamilies.of(node).assemble(node, scope);
      return new ModelBenchmark(architecture, scope.tree(), backend, weights)
          .run(planFor(architecture, plan), progress);
    }
  }

  /** Told before gigabytes are filled until the system ends the process. */
  private static void requireMemory(ConfigNode config, DType dtype) {
    WeightScope declared = WeightScope.of(new DeclaredWeights(dtype));
    ModelFamilies.of(config).assemble(config, declared);
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

  private static ModelBenchmark.Plan planFor(
      VisionLanguageArchitecture architecture, BenchmarkPlan plan) {
    PatchGrid grid =
        plan.imageHeight() == 0
            ? null
            : architecture.gridFor(plan.imageHeight(), plan.imageWidth());
    return new ModelBenchmark.Plan(plan.promptTokens(), plan.newTokens(), grid, plan.repetitions());
  }

  private static ModelLayout lay(
      ModelFamily family, ConfigNode config, WeightScope scope, boolean fromCheckpoint) {
    VisionLanguageArchitecture architecture = family.assemble(config, scope);
    return new ModelLayout(
        family.modelType(), scope.tree(), architecture.decoder().geometry(), fromCheckpoint);
  }

  private static boolean hasTensorFiles(Path folder) {
    return Files.exists(folder.resolve(Checkpoint.INDEX_FILE))
        || Files.exists(folder.resolve(Checkpoint.SINGLE_FILE));
  }

  private static DType declaredType(ConfigNode config) {
    Function<ConfigNode, String> dtype =
        node -> node.stringOr("dtype", node.stringOr("torch_dtype", ""));
    String name = dtype.apply(config);
    if (name.isEmpty()) {
      name = config.objectIfPresent("text_config").map(dtype).orElse("");
    }
    return switch (name) {
      case "float32" -> DType.F32;
      case "float16" -> DType.F16;
      default -> DType.BF16;
    };
  }
}
