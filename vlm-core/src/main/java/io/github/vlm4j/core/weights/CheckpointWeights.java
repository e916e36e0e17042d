package io.github.vlm4j.core.weights;

import io.github.vlm4j.core.ModelException;
import io.github.vlm4j.core.checkpoint.Checkpoint;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * The parameters of a checkpoint on disk, used where they are mapped.
 *
 * @param checkpoint the open checkpoint; it must stay open as long as the weights are used
 */
public record CheckpointWeights(Checkpoint checkpoint) implements WeightSource {

  private static final int NAMES_IN_MESSAGE = 3;

  @Override
  public boolean contains(String name) {
    return checkpoint.contains(name);
  }

  @Override
  public Weight require(String name, Shape expected) {
    if (!checkpoint.contains(name)) {
      throw new ModelException(
          "The checkpoint "
              + checkpoint.path()
              + " has no tensor "
              + name
              + ", which its config.json "
              + "calls for with shape "
              + expected
              + "; the download may be incomplete.");
    }
    Shape actual = checkpoint.shape(name);
    if (!actual.equals(expected)) {
      throw new ModelException(
          "Tensor "
              + name
              + " in "
              + checkpoint.describe(name)
              + " has shape "
              + actual
              + " where config.json calls for "
              + expected
              + "; configuration and weights belong to different models.");
    }
    return Weight.of(name, checkpoint.dtype(name), expected);
  }

  @Override
  public Tensor tensor(String name) {
    return checkpoint.tensor(name);
  }

  /**
   * Checks that the model has asked for every tensor there is, as a tensor left over means that the
   * model is not the one its configuration says.
   *
   * @param used what the model asked for
   * @param ignorable tensors that may be left over, such as buffers that can be computed
   * @throws ModelException naming the first tensors that nothing asked for
   */
  public void requireAllUsed(ModuleTree used, Predicate<String> ignorable) {
    requireAllUsed(used.weights().keySet(), ignorable);
  }

  /**
   * Checks that the model has asked for every tensor of a checkpoint that is mounted below a name.
   *
   * @param used what the model asked for
   * @param mount the name; see {@link MountedWeights}
   * @throws ModelException naming the first tensors that nothing asked for
   */
  public void requireAllUsed(ModuleTree used, String mount) {
    String prefix = mount + ".";
    Set<String> local =
        used.weights().keySet().stream()
            .filter(name -> name.startsWith(prefix))
            .map(name -> name.substring(prefix.length()))
            .collect(Collectors.toSet());
    requireAllUsed(local, name -> false);
  }

  private void requireAllUsed(Set<String> used, Predicate<String> ignorable) {
    Set<String> left = new TreeSet<>(checkpoint.names());
    left.removeAll(used);
    left.removeIf(ignorable);
    if (!left.isEmpty()) {
      String names = left.stream().limit(NAMES_IN_MESSAGE).collect(Collectors.joining(", "));
      throw new ModelException(
          "The checkpoint "
              + checkpoint.path()
              + " has "
              + left.size()
              + " tensor(s) that a model of its config.json does not have: "
              + names
              + (left.size() > NAMES_IN_MESSAGE ? ", …" : "")
              + "; configuration and weights belong to different models.");
    }
  }
}
