package io.github.vlm4j.core.checkpoint;

import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import java.nio.file.Path;
import java.util.Set;

/** A memory-mapped file of named tensors, in whatever format. */
sealed interface TensorFile extends AutoCloseable
    permits SafetensorsFile, PyTorchFile, GgufFile, RenamedFile {

  /** Opens a file in the format that its name ends with. */
  static TensorFile open(Path path) {
    return switch (WeightFormat.of(path)) {
      case SAFETENSORS -> SafetensorsFile.open(path);
      case GGUF -> GgufFile.open(path);
      case null, default -> PyTorchFile.open(path);
    };
  }

  /** Opens one of several files that an index lists, which names the tensors as they are stored. */
  static TensorFile openShard(Path path) {
    return WeightFormat.of(path) == WeightFormat.SAFETENSORS
        ? SafetensorsFile.open(path)
        : PyTorchFile.openShard(path);
  }

  /** Returns the error that a tensor cannot be used because of its element type. */
  static CheckpointException unsupported(
      String file, String name, String description, String supported) {
    return new CheckpointException(
        SafetensorsHeader.tensor(file, name)
            + " is "
            + description
            + ", a type that is not supported; supported are "
            + supported);
  }

  Path path();

  Set<String> names();

  boolean contains(String name);

  Shape shape(String name);

  DType dtype(String name);

  String storedType(String name);

  long bytes(String name);

  long totalBytes();

  Tensor tensor(String name);

  String describe(String name);

  @Override
  void close();
}
