package io.github.vlm4j.search;

import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.InputException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Map;

/**
 * What an index says about itself, kept with each commit.
 *
 * @param folder the folder that is indexed, absolute
 * @param model whose vectors it holds
 */
record IndexMetadata(Path folder, ModelIdentity model) {

  private static final String FORMAT = "vlm.format";
  private static final String PICTURES_1 = "pictures-1";
  private static final String FOLDER = "vlm.folder";
  private static final String FINGERPRINT = "vlm.model.fingerprint";
  private static final String DIMENSION = "vlm.model.dimension";
  private static final String SOURCE = "vlm.model.source";

  Map<String, String> toUserData() {
    return Map.of(
        FORMAT, PICTURES_1,
        FOLDER, folder.toString(),
        FINGERPRINT, model.fingerprint(),
        DIMENSION, Integer.toString(model.dimension()),
        SOURCE, model.source());
  }

  /**
   * Reads it back.
   *
   * @throws InputException if another program made the index
   * @throws CheckpointException if it is malformed
   */
  static IndexMetadata of(Path index, Map<String, String> userData) {
    String format = userData.getOrDefault(FORMAT, "");
    if (format.isEmpty()) {
      throw new InputException(
          index
              + " is a Lucene index of another program, not one of pictures; choose another"
              + " folder for the index.");
    }
    if (!format.equals(PICTURES_1)) {
      throw new CheckpointException(
          index
              + " has a format that this version does not know, expected "
              + PICTURES_1
              + "; delete the folder and index again, or use a newer version.");
    }
    try {
      Path folder = Path.of(userData.getOrDefault(FOLDER, ""));
      if (!folder.isAbsolute()) {
        throw IndexFailure.damaged(index, "the folder it is of is missing");
      }
      return new IndexMetadata(
          folder,
          new ModelIdentity(
              userData.getOrDefault(FINGERPRINT, ""),
              Integer.parseInt(userData.getOrDefault(DIMENSION, "")),
              userData.getOrDefault(SOURCE, "")));
    } catch (InvalidPathException | NumberFormatException | InputException malformed) {
      throw IndexFailure.damaged(index, "what it says about itself is malformed");
    }
  }

  /**
   * Requires that vectors of a model can be compared with those in the index.
   *
   * @throws InputException if they cannot
   */
  void requireModel(Path index, ModelIdentity other) {
    if (!model.isSame(other)) {
      throw new InputException(
          "The index "
              + index
              + " was made with the model "
              + described(model)
              + ", whose vectors cannot be compared with those of "
              + described(other)
              + "; use that model, or another folder for the index.");
    }
  }

  private static String described(ModelIdentity model) {
    return model.source()
        + " (vectors of "
        + model.dimension()
        + ", fingerprint "
        + model.fingerprint()
        + ")";
  }
}
