package io.github.vlm4j.core.checkpoint;

import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/** The tensors of a file, or some of them, under other names. */
final class RenamedFile implements TensorFile {

  private final TensorFile file;
  private final Map<String, String> stored;

  /**
   * Renames a file's tensors.
   *
   * @param names what a tensor is to be called, by its name in the file; empty leaves it out
   * @throws CheckpointException if two would be called the same
   */
  RenamedFile(TensorFile file, Function<String, Optional<String>> names) {
    this.file = file;
    Map<String, String> storedNames = new LinkedHashMap<>();
    for (String name : file.names()) {
      names
          .apply(name)
          .ifPresent(renamed -> {
            String other = storedNames.put(renamed, name);
            if (other != null) {
              throw new CheckpointException(
                  "%s holds both %s and %s, which are the same part of a model"
                      .formatted(
                          ModelFiles.name(file.path()),
                          Excerpt.quoted(other),
                          Excerpt.quoted(name)));
            }
          });
    }
    this.stored = Collections.unmodifiableMap(storedNames);
  }

  @Override
  public Path path() {
    return file.path();
  }

  @Override
  public Set<String> names() {
    return stored.keySet();
  }

  @Override
  public boolean contains(String name) {
    return stored.containsKey(name);
  }

  @Override
  public Shape shape(String name) {
    return file.shape(stored(name));
  }

  @Override
  public DType dtype(String name) {
    return file.dtype(stored(name));
  }

  @Override
  public String storedType(String name) {
    return file.storedType(stored(name));
  }

  @Override
  public long bytes(String name) {
    return file.bytes(stored(name));
  }

  @Override
  public long totalBytes() {
    return stored.values().stream().mapToLong(file::bytes).sum();
  }

  @Override
  public Tensor tensor(String name) {
    return file.tensor(stored(name));
  }

  @Override
  public String describe(String name) {
    return file.describe(stored.getOrDefault(name, name));
  }

  @Override
  public void close() {
    file.close();
  }

  private String stored(String name) {
    String own = stored.get(name);
    if (own == null) {
      throw new CheckpointException(
          ModelFiles.name(file.path()) + " has no tensor that stands for " + Excerpt.quoted(name));
    }
    return own;
  }
}
