package io.github.vlm4j.models.family;

import io.github.vlm4j.core.ModelException;
import io.github.vlm4j.core.checkpoint.Checkpoint;
import io.github.vlm4j.core.tensor.Shape;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Names and shapes of a checkpoint's tensors, off which an architecture can be read.
 *
 * @param checkpoint the open checkpoint
 * @param layout what it is taken for, for messages: {@code a CLIP in OpenAI's layout}
 */
public record TensorShapes(Checkpoint checkpoint, String layout) {

  private static final long MAX_EXTENT = 1 << 24;

  /** Returns the same tensors taken for something else. */
  public TensorShapes as(String otherLayout) {
    return new TensorShapes(checkpoint, otherLayout);
  }

  /** Returns whether there is a tensor of this name. */
  public boolean contains(String name) {
    return checkpoint.contains(name);
  }

  /** Returns the names of all tensors. */
  public Set<String> names() {
    return checkpoint.names();
  }

  /** Returns a tensor's name, type, shape and file, for messages about it. */
  public String describe(String name) {
    return checkpoint.describe(name);
  }

  /**
   * Returns an extent of a tensor.
   *
   * @param name the tensor
   * @param rank the number of its extents
   * @param axis the extent to return, from 0
   * @throws ModelException if it is missing, has another rank or is far too large
   */
  public int extent(String name, int rank, int axis) {
    if (!checkpoint.contains(name)) {
      throw new ModelException(
          "The checkpoint "
              + checkpoint.path()
              + " has no tensor "
              + name
              + ", off which the sizes of "
              + layout
              + " are read.");
    }
    Shape shape = checkpoint.shape(name);
    if (shape.rank() != rank || shape.dim(axis) < 1 || shape.dim(axis) > MAX_EXTENT) {
      throw new ModelException(checkpoint.describe(name) + " has not the shape of " + layout + ".");
    }
    return (int) shape.dim(axis);
  }

  /** Returns how many different names there are at a place of the dotted names with a prefix. */
  public int count(String prefix, int place) {
    Set<String> found =
        checkpoint.names().stream()
            .filter(name -> name.startsWith(prefix))
            .map(name -> name.split("\\.", -1))
            .filter(parts -> parts.length > place)
            .map(parts -> parts[place])
            .collect(Collectors.toSet());
    return found.size();
  }
}
