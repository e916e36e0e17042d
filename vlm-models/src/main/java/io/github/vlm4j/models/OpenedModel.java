package io.github.vlm4j.models;

import io.github.vlm4j.core.ModelException;
import io.github.vlm4j.core.checkpoint.Checkpoint;
import io.github.vlm4j.core.quant.QuantisationPlan;
import io.github.vlm4j.core.quant.QuantisationScheme;
import io.github.vlm4j.core.weights.AdaptedWeights;
import io.github.vlm4j.core.weights.CheckpointWeights;
import io.github.vlm4j.core.weights.LoraAdapter;
import io.github.vlm4j.core.weights.ModuleTree;
import io.github.vlm4j.core.weights.MountedWeights;
import io.github.vlm4j.core.weights.QuantisedWeights;
import io.github.vlm4j.core.weights.WeightScope;
import io.github.vlm4j.core.weights.WeightSource;
import io.github.vlm4j.models.family.ModelArchitecture;
import io.github.vlm4j.models.family.ModelDescription;
import io.github.vlm4j.models.family.ModelFamily;
import io.github.vlm4j.models.family.ModelParts;
import io.github.vlm4j.models.gguf.GgufModel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The checkpoints of a model that writes, open, recognised and put together. */
final class OpenedModel implements AutoCloseable {

  private final List<Runnable> closers;
  private final ModelDescription description;
  private final ModelFamilies.Recognised recognised;
  private final WeightScope scope;
  private final ModelArchitecture architecture;

  private OpenedModel(
      List<Runnable> closers,
      ModelDescription description,
      ModelFamilies.Recognised recognised,
      WeightScope scope,
      ModelArchitecture architecture) {
    this.closers = closers;
    this.description = description;
    this.recognised = recognised;
    this.scope = scope;
    this.architecture = architecture;
  }

  /**
   * Opens a model; only headers are read.
   *
   * @throws io.github.vlm4j.core.CheckpointException if a file is missing or malformed
   * @throws io.github.vlm4j.core.ModelException if the model is not supported, or its tensors are
   *     not what its configuration says
   */
  static OpenedModel open(ModelParts parts) {
    return open(parts, null);
  }

  /**
   * Opens a model whose own weights are quantised when they are first read.
   *
   * @param quantisation how; null for not at all
   */
  static OpenedModel open(ModelParts parts, @Nullable QuantisationScheme quantisation) {
    if (GgufModel.isGguf(parts.model())) {
      return openGguf(parts, quantisation);
    }
    ModelDescription configured = ModelDescription.read(parts);
    if (Files.isDirectory(parts.model())) {
      ModelFamilies.requireKnown(configured.requireConfig());
    }
    List<Runnable> closers = new ArrayList<>();
    try {
      return open(configured, open(parts.model(), closers), quantisation, closers);
    } catch (RuntimeException | Error failure) {
      closers.forEach(Runnable::run);
      throw failure;
    }
  }

  private static OpenedModel openGguf(ModelParts parts, @Nullable QuantisationScheme quantisation) {
    List<Runnable> closers = new ArrayList<>();
    try {
      GgufModel model = GgufModel.open(parts);
      closers.add(model::close);
      return open(
          ModelDescription.of(parts, model.config(), model.files()),
          new CheckpointWeights(model.checkpoint()),
          quantisation,
          closers);
    } catch (RuntimeException | Error failure) {
      closers.forEach(Runnable::run);
      throw failure;
    }
  }

  private static OpenedModel open(
      ModelDescription configured,
      CheckpointWeights own,
      @Nullable QuantisationScheme quantisation,
      List<Runnable> closers) {
    ModelParts parts = configured.parts();
    CheckpointWeights vision = openIfGiven(parts.visionModel(), closers);
    CheckpointWeights connector = openIfGiven(parts.connector(), closers);
    LoraAdapter adapter = openAdapter(parts.adapter(), closers);
    ModelDescription description = configured.withTensors(own.checkpoint());
    ModelFamilies.Recognised recognised = ModelFamilies.of(description);
    WeightSource stored = mounted(quantised(own, quantisation, closers), vision, connector);
    WeightScope scope =
        WeightScope.of(adapter == null ? stored : new AdaptedWeights(stored, adapter));
    ModelArchitecture architecture = recognised.family().assemble(description, scope);
    own.requireAllUsed(scope.tree(), recognised.family().ignorableTensors());
    // A vision encoder's checkpoint may be that of a dual encoder, whose text side is not needed.
    if (vision != null) {
      requireSomeUsed(vision, scope.tree(), recognised.family());
    }
    if (connector != null) {
      connector.requireAllUsed(scope.tree(), ModelDescription.CONNECTOR);
    }
    if (adapter != null) {
      adapter.requireAllUsed(scope.tree());
    }
    return new OpenedModel(closers, description, recognised, scope, architecture);
  }

  private static void requireSomeUsed(
      CheckpointWeights vision, ModuleTree used, ModelFamily family) {
    String prefix = ModelDescription.VISION_MODEL + ".";
    if (used.weights().keySet().stream().noneMatch(name -> name.startsWith(prefix))) {
      throw new ModelException(
          "The model is recognised as "
              + family.name()
              + ", whose weights hold its vision encoder; nothing of "
              + vision.checkpoint().path()
              + " is needed, leave --vision-model out.");
    }
  }

  private static CheckpointWeights open(Path path, List<Runnable> closers) {
    Checkpoint checkpoint = Checkpoint.open(path);
    closers.add(checkpoint::close);
    return new CheckpointWeights(checkpoint);
  }

  private static @Nullable CheckpointWeights openIfGiven(
      @Nullable Path path, List<Runnable> closers) {
    return path == null ? null : open(path, closers);
  }

  private static @Nullable LoraAdapter openAdapter(@Nullable Path path, List<Runnable> closers) {
    if (path == null) {
      return null;
    }
    LoraAdapter adapter = LoraAdapter.open(path);
    closers.add(adapter::close);
    return adapter;
  }

  private static WeightSource quantised(
      CheckpointWeights own, @Nullable QuantisationScheme scheme, List<Runnable> closers) {
    if (scheme == null) {
      return own;
    }
    QuantisationPlan plan = QuantisationPlan.of(scheme, own.checkpoint().names(), false);
    QuantisedWeights weights = new QuantisedWeights(own, plan);
    closers.add(weights::close);
    return weights;
  }

  private static WeightSource mounted(
      WeightSource own, @Nullable CheckpointWeights vision, @Nullable CheckpointWeights connector) {
    Map<String, WeightSource> mounts = new LinkedHashMap<>();
    if (vision != null) {
      mounts.put(ModelDescription.VISION_MODEL, vision);
    }
    if (connector != null) {
      mounts.put(ModelDescription.CONNECTOR, connector);
    }
    return mounts.isEmpty() ? own : new MountedWeights(own, mounts);
  }

  ModelDescription description() {
    return description;
  }

  ModelFamily family() {
    return recognised.family();
  }

  /** Returns why the model is of its family, in words. */
  String reason() {
    return recognised.reason();
  }

  /** Returns what the model is: its {@code model_type}, or else its family's name. */
  String modelType() {
    return description.modelType().orElse(recognised.family().name());
  }

  ModelArchitecture architecture() {
    return architecture;
  }

  ModuleTree modules() {
    return scope.tree();
  }

  /** Returns the data of every parameter. */
  WeightSource source() {
    return scope.source();
  }

  @Override
  public void close() {
    closers.forEach(Runnable::run);
  }
}
