package io.github.vlm4j.models;

import io.github.vlm4j.core.checkpoint.Checkpoint;
import io.github.vlm4j.core.checkpoint.ConfigNode;
import io.github.vlm4j.core.model.CacheLayout;
import io.github.vlm4j.core.model.DecoderGeometry;
import io.github.vlm4j.core.model.KvCache;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.weights.CheckpointWeights;
import io.github.vlm4j.core.weights.DeclaredWeights;
import io.github.vlm4j.core.weights.ModuleTree;
import io.github.vlm4j.core.weights.WeightScope;
import io.github.vlm4j.models.clip.DualEncoder;
import io.github.vlm4j.models.clip.DualEncoderFormat;
import io.github.vlm4j.models.clip.DualEncoderFormats;
import io.github.vlm4j.models.family.ModelArchitecture;
import io.github.vlm4j.models.family.ModelDescription;
import io.github.vlm4j.models.family.ModelParts;
import io.github.vlm4j.models.gguf.GgufModel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Function;

/**
 * A model laid out but not loaded: its modules with the shapes and types of their parameters, from
 * a checkpoint's headers or from {@code config.json} alone.
 *
 * @param modelType the {@code model_type}, or what the tensors' names say
 * @param reason how that was told, in words
 * @param modules the tree of modules
 * @param decoder the decoder's sizes, if it writes
 * @param encoder its encoders, if it embeds
 * @param fromCheckpoint whether shapes and types were read off tensor files, not only declared
 */
public record ModelLayout(
    String modelType,
    String reason,
    ModuleTree modules,
    Optional<DecoderGeometry> decoder,
    Optional<DualEncoder> encoder,
    boolean fromCheckpoint) {

  /**
   * Lays a model out.
   *
   * @param model a model folder, of which {@code config.json} is enough, or a file of weights
   * @throws io.github.vlm4j.core.VlmException if the model is not supported or malformed
   */
  public static ModelLayout read(Path model) {
    return read(ModelParts.of(model));
  }

  /**
   * Lays out a model that is put together from several files.
   *
   * @param parts its files
   * @throws io.github.vlm4j.core.VlmException if the model is not supported or malformed
   */
  public static ModelLayout read(ModelParts parts) {
    Path model = parts.model();
    if (GgufModel.isGguf(model)) {
      return checkpoint(parts);
    }
    Path config = model.resolve("config.json");
    if (Files.exists(config) && !Checkpoint.isPresent(model)) {
      return declared(ConfigNode.read(config));
    }
    if (!Files.exists(config) && !Checkpoint.isPresent(model)) {
      // Whoever names a folder with neither is told about the configuration first.
      ConfigNode.read(config);
    }
    try (Checkpoint checkpoint = Checkpoint.open(model)) {
      Optional<DualEncoderFormat> format = DualEncoderFormats.of(model, checkpoint);
      if (format.isPresent()) {
        CheckpointWeights weights = new CheckpointWeights(checkpoint);
        ModelLayout layout = lay(format.get(), WeightScope.of(weights), true);
        weights.requireAllUsed(layout.modules(), format.get()::mayIgnore);
        return layout;
      }
    }
    return checkpoint(parts);
  }

  private static ModelLayout checkpoint(ModelParts parts) {
    try (OpenedModel opened = OpenedModel.open(parts)) {
      return lay(
          opened.modelType(), opened.reason(), opened.architecture(), opened.modules(), true);
    }
  }

  private static ModelLayout declared(ConfigNode config) {
    WeightScope scope = WeightScope.of(new DeclaredWeights(declaredType(config)));
    Optional<DualEncoderFormat> format = DualEncoderFormats.of(config);
    if (format.isPresent()) {
      return lay(format.get(), scope, false);
    }
    ModelDescription description = ModelDescription.of(config);
    ModelFamilies.Recognised recognised = ModelFamilies.of(description);
    ModelArchitecture architecture = recognised.family().assemble(description, scope);
    return lay(config.string("model_type"), recognised.reason(), architecture, scope.tree(), false);
  }

  /** Returns the bytes that one token's keys and values take in the cache; 0 without a decoder. */
  public long cacheBytesPerToken() {
    return decoder.map(geometry -> KvCache.bytes(geometry, CacheLayout.f32(1))).orElse(0L);
  }

  private static ModelLayout lay(
      DualEncoderFormat format, WeightScope scope, boolean fromCheckpoint) {
    DualEncoder encoder = format.assemble(scope);
    return new ModelLayout(
        format.modelType(),
        format.reason(),
        scope.tree(),
        Optional.empty(),
        Optional.of(encoder),
        fromCheckpoint);
  }

  private static ModelLayout lay(
      String modelType,
      String reason,
      ModelArchitecture architecture,
      ModuleTree modules,
      boolean fromCheckpoint) {
    return new ModelLayout(
        modelType,
        reason,
        modules,
        Optional.of(architecture.decoder().geometry()),
        Optional.empty(),
        fromCheckpoint);
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
