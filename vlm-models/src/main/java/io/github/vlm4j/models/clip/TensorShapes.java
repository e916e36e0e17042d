package io.github.vlm4j.models.clip;

import io.github.vlm4j.core.ModelException;
import io.github.vlm4j.core.checkpoint.Checkpoint;
import io.github.vlm4j.core.tensor.Shape;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Names and shapes of a checkpoint's tensors, off which an architecture can be read.
 *
 * @param checkpoint the open checkpoint
 */
record TensorShapes(Checkpoint checkpoint) {

  private static final long MAX_EXTENT = 1 << 20;

  boolean contains(String name) {
    return checkpoint.contains(name);
  }

  String describe(String name) {
    return checkpoint.describe(name);
  }

  /**
   * Returns an extent of a tensor.
   *
   * @throws ModelException if it is missing, has another rank or is far too large
   */
  int extent(String name, int rank, int axis) {
    if (!checkpoint.contains(name)) {
      throw new ModelException(
          "The checkpoint "
              + checkpoint.path()
              + " has no tensor "
              + name
              + ", by which a CLIP in OpenAI's layout is recognised, and there is no config.json"
              + " beside it.");
    }
    Shape shape = checkpoint.shape(name);
    if (shape.rank() != rank || shape.dim(axis) < 1 || shape.dim(axis) > MAX_EXTENT) {
      throw new ModelException(
          checkpoint.describe(name) + " has not the shape of a CLIP in OpenAI's layout.");
    }
    return (int) shape.dim(axis);
  }

  /** Returns how many different names there are at a place of the dotted names with a prefix. */
  int count(String prefix, int place) {
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
