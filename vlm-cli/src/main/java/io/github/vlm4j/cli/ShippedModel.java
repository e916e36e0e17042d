package io.github.vlm4j.cli;

import io.github.vlm4j.core.InputException;
import java.nio.file.Path;

/** Where the models that come with the project are. */
enum ShippedModel {
  /** Talks about simple coloured shapes. */
  SHAPES_VL("shapes-vl"),
  /** Compares pictures of simple coloured shapes with words. */
  SHAPES_CLIP("shapes-clip");

  private final String folder;

  ShippedModel(String folder) {
    this.folder = folder;
  }

  /**
   * Returns its folder.
   *
   * @throws InputException if the command was not started by the vlm script
   */
  Path path() {
    String root = System.getProperty("vlm.root");
    if (root == null) {
      throw new InputException(
          "Where the shipped model is is not known: start the command with the vlm script, or name "
              + "a model folder with --model.");
    }
    return Path.of(root, "models", folder);
  }
}
