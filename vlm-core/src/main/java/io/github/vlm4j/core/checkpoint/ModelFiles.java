package io.github.vlm4j.core.checkpoint;

import io.github.vlm4j.core.CheckpointException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What is asked of every file of a model folder before it is opened. */
final class ModelFiles {

  private ModelFiles() {}

  /** Returns the file's own name, by which messages call it. */
  static String name(Path path) {
    Path name = path.getFileName();
    return name == null ? path.toString() : name.toString();
  }

  /**
   * Refuses what is missing and what would block or never end, such as a pipe. Links are followed,
   * since a Hugging Face cache folder consists of them.
   */
  static void requireRegular(Path path) {
    if (Files.isRegularFile(path)) {
      return;
    }
    if (!Files.exists(path)) {
      Path folder = path.toAbsolutePath().normalize().getParent();
      throw new CheckpointException(
          name(path)
              + " is missing from "
              + (folder == null ? path : folder)
              + (Files.isSymbolicLink(path) ? ": it is a link to a file that does not exist" : ""));
    }
    throw new CheckpointException(path + " is not a regular file");
  }
}
