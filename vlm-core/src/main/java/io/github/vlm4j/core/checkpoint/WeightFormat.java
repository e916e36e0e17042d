package io.github.vlm4j.core.checkpoint;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** The formats of weights, told apart by how a file's name ends. */
enum WeightFormat {
  SAFETENSORS,
  PYTORCH,
  GGUF;

  /** Returns the format of a file, or null if its name says none. */
  static @Nullable WeightFormat of(Path path) {
    String name = ModelFiles.name(path);
    String extension = name.substring(name.lastIndexOf('.') + 1);
    return switch (extension) {
      case "safetensors" -> SAFETENSORS;
      case "pt", "pth", "bin" -> PYTORCH;
      case "gguf" -> GGUF;
      default -> null;
    };
  }
}
