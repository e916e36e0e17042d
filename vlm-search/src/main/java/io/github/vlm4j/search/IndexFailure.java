package io.github.vlm4j.search;

import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.InputException;
import io.github.vlm4j.core.VlmException;
import java.io.EOFException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.apache.lucene.index.CorruptIndexException;
import org.apache.lucene.index.IndexFormatTooNewException;
import org.apache.lucene.index.IndexFormatTooOldException;
import org.apache.lucene.store.LockObtainFailedException;
import org.jspecify.annotations.Nullable;

/** Says in a sentence why Lucene gave up. */
final class IndexFailure {

  /** Something that Lucene does. */
  interface Work<T> {
    T run() throws IOException;
  }

  private IndexFailure() {}

  /**
   * Lets Lucene work on an index. Its files are not trusted: whatever goes wrong while they are
   * read is taken for damage.
   *
   * @throws InputException if another process holds the index, or it cannot be read or written
   * @throws CheckpointException if it is damaged
   */
  static <T> T guard(Path index, Work<T> work) {
    try {
      return work.run();
    } catch (VlmException foreseen) {
      throw foreseen;
    } catch (IOException | RuntimeException | OutOfMemoryError | StackOverflowError failure) {
      throw of(index, failure);
    }
  }

  private static VlmException of(Path index, Throwable failure) {
    return switch (failure) {
      case LockObtainFailedException _ ->
          new InputException(
              "Another process is writing to the index "
                  + index
                  + "; wait until it is done, then start again.",
              failure);
      case IndexFormatTooNewException _, IndexFormatTooOldException _ ->
          new CheckpointException(
              "The index "
                  + index
                  + " is damaged, or was written by a version of Lucene that this one does not"
                  + " read; delete the folder and index again.",
              failure);
      case AccessDeniedException _ ->
          new InputException(
              "The index "
                  + index
                  + " cannot be used, as access to "
                  + failure.getMessage()
                  + " is denied; check its permissions.",
              failure);
      case OutOfMemoryError _ ->
          new CheckpointException(
              "The index "
                  + index
                  + " needs more memory than there is, or is damaged; raise -Xmx, or delete the"
                  + " folder and index again.",
              failure);
      case IOException io when !isDamage(io) ->
          new InputException(
              "The index "
                  + index
                  + " cannot be read or written ("
                  + detail(failure)
                  + "); check the disk and its free space.",
              failure);
      default -> damaged(index, detail(failure), failure);
    };
  }

  private static boolean isDamage(IOException failure) {
    return failure instanceof CorruptIndexException
        || failure instanceof EOFException
        || failure instanceof FileNotFoundException
        || failure instanceof NoSuchFileException
        || failure.getClass().getPackageName().startsWith("org.apache.lucene");
  }

  private static String detail(Throwable failure) {
    String message = failure.getMessage() == null ? "" : failure.getMessage();
    String line = message.lines().findFirst().orElse("");
    return line.isEmpty() ? failure.getClass().getSimpleName() : line;
  }

  static CheckpointException damaged(Path index, String detail) {
    return damaged(index, detail, null);
  }

  private static CheckpointException damaged(
      Path index, String detail, @Nullable Throwable failure) {
    String sentence =
        "The index " + index + " is damaged (" + detail + "); delete the folder and index again.";
    return failure == null
        ? new CheckpointException(sentence)
        : new CheckpointException(sentence, failure);
  }
}
