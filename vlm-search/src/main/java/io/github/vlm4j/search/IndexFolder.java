package io.github.vlm4j.search;

import io.github.vlm4j.core.InputException;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.apache.lucene.index.IndexFileNames;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.SegmentInfos;
import org.apache.lucene.store.Directory;
import org.apache.lucene.store.FSDirectory;

/** Looks at a folder before Lucene may touch it. */
final class IndexFolder {

  private static final String FIRST_COMMIT = IndexFileNames.PENDING_SEGMENTS + "_1";

  private IndexFolder() {}

  /**
   * Returns what an index says about itself; empty if there is none yet and one may be made here.
   *
   * @throws InputException if the place holds something else
   * @throws io.github.vlm4j.core.CheckpointException if the index is damaged
   */
  static Optional<IndexMetadata> metadata(Path index) {
    if (Files.exists(index) && !Files.isDirectory(index)) {
      throw new InputException(index + " is a file, expected the folder of an index.");
    }
    return IndexFailure.guard(
        index,
        () -> {
          if (!Files.exists(index) || !isIndex(index)) {
            return Optional.empty();
          }
          try (Directory directory = FSDirectory.open(index)) {
            return Optional.of(
                IndexMetadata.of(index, SegmentInfos.readLatestCommit(directory).getUserData()));
          }
        });
  }

  /** What an interrupted first start leaves behind counts as nothing. */
  private static boolean isIndex(Path index) throws IOException {
    boolean empty = true;
    try (DirectoryStream<Path> files = Files.newDirectoryStream(index)) {
      for (Path file : files) {
        String name = String.valueOf(file.getFileName());
        if (name.startsWith(IndexFileNames.SEGMENTS + "_")) {
          return true;
        }
        empty &= name.equals(IndexWriter.WRITE_LOCK_NAME) || name.equals(FIRST_COMMIT);
      }
    }
    if (!empty) {
      throw new InputException(
          "The folder "
              + index
              + " holds other files and is not an index; choose one that is empty or not there.");
    }
    return false;
  }
}
