package io.github.vlm4j.cli;

import io.github.vlm4j.core.InputException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Checks where a command is to write before it works for minutes. */
final class OutputFile {

  private OutputFile() {}

  /**
   * Checks that a file can be written.
   *
   * @param file as it was given
   * @param what it is, for the error, such as {@code the .safetensors file to write}
   * @throws InputException if it cannot
   */
  static void requireWritable(Path file, String what) {
    Path folder = file.toAbsolutePath().getParent();
    if (folder == null || Files.isDirectory(file)) {
      throw new InputException(file + " is a folder; name " + what + " with --out.");
    }
    if (!Files.isDirectory(folder)) {
      throw new InputException(
          file + " cannot be written, as there is no folder " + folder + "; create it first.");
    }
    if (!Files.isWritable(folder)) {
      throw new InputException(
          file + " cannot be written, as the folder " + folder + " does not allow it.");
    }
  }
}
