package io.github.vlm4j.core.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.vlm4j.core.ModelException;
import io.github.vlm4j.core.checkpoint.Checkpoint;
import io.github.vlm4j.core.checkpoint.SafetensorsWriter;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Models whose tensors are in several checkpoints. */
final class MountedWeightsTest {

  @TempDir Path folder;
  private Checkpoint own;
  private Checkpoint other;
  private MountedWeights weights;

  @BeforeEach
  void open() {
    own = write("own.safetensors", Map.of("norm.weight", floats(1, 2), "part", floats(3)));
    other = write("other.safetensors", Map.of("norm.weight", floats(4, 5, 6), "left", floats(7)));
    weights =
        new MountedWeights(
            new CheckpointWeights(own), Map.of("part-file", new CheckpointWeights(other)));
  }

  @AfterEach
  void close() {
    own.close();
    other.close();
  }

  private Checkpoint write(String name, Map<String, Tensor> tensors) {
    Path file = folder.resolve(name);
    SafetensorsWriter.write(file, tensors);
    return Checkpoint.open(file);
  }

  private static Tensor floats(float... values) {
    return Tensor.ofFloats(values, values.length);
  }

  @Test
  void aNameBelowAMountIsTheOtherCheckpoints() {
    WeightScope root = WeightScope.of(weights);
    assertThat(root.get("norm.weight", 2).name()).isEqualTo("norm.weight");
    Weight mounted = root.at("part-file.norm").get("weight", 3);
    assertThat(mounted.name()).isEqualTo("part-file.norm.weight");
    assertThat(weights.tensor("norm.weight").toFloats()).containsExactly(1, 2);
    assertThat(weights.tensor(mounted.name()).toFloats()).containsExactly(4, 5, 6);
    assertThat(weights.contains("part")).isTrue();
    assertThat(weights.contains("part-file.part")).isFalse();
    assertThat(weights.contains("left")).isFalse();
  }

  @Test
  void aMissingTensorIsMissedInItsOwnFile() {
    assertThatThrownBy(() -> weights.require("part-file.bias", Shape.of(3)))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("other.safetensors")
        .hasMessageContaining("no tensor bias");
  }

  @Test
  void whatNothingAskedForOfAMountIsNamed() {
    WeightScope root = WeightScope.of(weights);
    root.at("part-file.norm").get("weight", 3);
    assertThatThrownBy(() -> new CheckpointWeights(other).requireAllUsed(root.tree(), "part-file"))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("other.safetensors")
        .hasMessageContaining("left");
    root.at("part-file").get("left", 1);
    new CheckpointWeights(other).requireAllUsed(root.tree(), "part-file");
  }
}
