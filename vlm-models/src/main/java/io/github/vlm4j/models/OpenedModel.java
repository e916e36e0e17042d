package io.github.vlm4j.models;

import io.github.vlm4j.core.checkpoint.Checkpoint;
import io.github.vlm4j.core.weights.CheckpointWeights;
import io.github.vlm4j.core.weights.ModuleTree;
import io.github.vlm4j.core.weights.MountedWeights;
import io.github.vlm4j.core.weights.WeightScope;
import io.github.vlm4j.core.weights.WeightSource;
import io.github.vlm4j.models.family.ModelArchitecture;
import io.github.vlm4j.models.family.ModelDescription;
import io.github.vlm4j.models.family.ModelFamily;
import io.github.vlm4j.models.family.ModelParts;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The checkpoints of a model that writes, open, recognised and put together. */
final class OpenedModel implements AutoCloseable {

  private final List<Checkpoint> checkpoints;
  private final ModelDescription description;
  private final ModelFamilies.Recognised recognised;
  private final WeightScope scope;
  private final ModelArchitecture architecture;

  private OpenedModel(
      List<Checkpoint> checkpoints,
      ModelDescription description,
      ModelFamilies.Recognised recognised,
      WeightScope scope,
      ModelArchitecture architecture) {
    this.checkpoints = checkpoints;
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
    ModelDescription configured = ModelDescription.read(parts);
    if (Files.isDirectory(parts.model())) {
      ModelFamilies.requireKnown(configured.requireConfig());
    }
    List<Checkpoint> checkpoints = new ArrayList<>();
    try {
      return open(configured, checkpoints);
    } catch (RuntimeException | Error failure) {
      checkpoints.forEach(Checkpoint::close);
      throw failure;
    }
  }

  private static OpenedModel open(ModelDescription configured, List<Checkpoint> checkpoints) {
    ModelParts parts = configured.parts();
    CheckpointWeights own = open(parts.model(), checkpoints);
    CheckpointWeights vision = openIfGiven(parts.visionModel(), checkpoints);
    CheckpointWeights connector = openIfGiven(parts.connector(), checkpoints);
    ModelDescription description = configured.withTensors(own.checkpoint());
    ModelFamilies.Recognised recognised = ModelFamilies.of(description);
    WeightScope scope = WeightScope.of(mounted(own, vision, connector));
    ModelArchitecture architecture = recognised.family().assemble(description, scope);
    own.requireAllUsed(scope.tree(), recognised.family().ignorableTensors());
    // A vision encoder's checkpoint may be that of a dual encoder, whose text side is not needed.
    if (connector != null) {
      connector.requireAllUsed(scope.tree(), ModelDescription.CONNECTOR);
    }
    return new OpenedModel(checkpoints, description, recognised, scope, architecture);
  }

  private static CheckpointWeights open(Path path, List<Checkpoint> checkpoints) {
    Checkpoint checkpoint = Checkpoint.open(path);
    checkpoints.add(checkpoint);
    return new CheckpointWeights(checkpoint);
  }

  private static @Nullable CheckpointWeights openIfGiven(
      @Nullable Path path, List<Checkpoint> checkpoints) {
    return path == null ? null : open(path, checkpoints);
  }

  private static WeightSource mounted(
      CheckpointWeights own,
      @Nullable CheckpointWeights vision,
      @Nullable CheckpointWeights connector) {
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
    checkpoints.forEach(Checkpoint::close);
  }
}
