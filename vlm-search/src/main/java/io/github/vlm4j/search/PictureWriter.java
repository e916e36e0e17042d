package io.github.vlm4j.search;

import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.index.SerialMergeScheduler;
import org.apache.lucene.index.Term;
import org.apache.lucene.store.Directory;
import org.apache.lucene.store.FSDirectory;
import org.jspecify.annotations.Nullable;

/**
 * Writes pictures into an index. While it is open no other process can. What was written counts
 * from the next commit on, and commits are made often, so that little is lost when the process is
 * killed.
 */
final class PictureWriter implements Closeable {

  private static final long NANOS_BETWEEN_COMMITS = 20_000_000_000L;
  private static final int WRITES_BETWEEN_COMMITS = 1000;
  private static final double BUFFER_MEBIBYTES = 64;

  private final Path index;
  private final Directory directory;
  private final IndexWriter writer;
  private long lastCommit = System.nanoTime();
  private int writes;

  private PictureWriter(Path index, Directory directory, IndexWriter writer) {
    this.index = index;
    this.directory = directory;
    this.writer = writer;
  }

  /**
   * Opens an index, or makes an empty one.
   *
   * @throws io.github.vlm4j.core.InputException if another process writes to it, or it cannot be
   *     written
   * @throws io.github.vlm4j.core.CheckpointException if it is damaged
   */
  static PictureWriter open(Path index) {
    return IndexFailure.guard(
        index,
        () -> {
          Files.createDirectories(index);
          Directory directory = FSDirectory.open(index);
          try {
            return new PictureWriter(index, directory, new IndexWriter(directory, config()));
          } catch (IOException | RuntimeException | Error failure) {
            directory.close();
            throw failure;
          }
        });
  }

  private static IndexWriterConfig config() {
    return new IndexWriterConfig()
        .setCodec(PictureCodec.create())
        .setOpenMode(IndexWriterConfig.OpenMode.CREATE_OR_APPEND)
        .setRAMBufferSizeMB(BUFFER_MEBIBYTES)
        // In this thread, so that failures come up here and not on the console.
        .setMergeScheduler(new SerialMergeScheduler())
        .setCommitOnClose(false);
  }

  /** Returns what is in the index now. */
  IndexedPictures contents() {
    return IndexFailure.guard(
        index,
        () -> {
          DirectoryReader reader = DirectoryReader.open(writer);
          try {
            return new IndexedPictures(reader);
          } catch (IOException | RuntimeException | Error failure) {
            reader.close();
            throw failure;
          }
        });
  }

  /** Says with this commit and all that follow what the index is. */
  void describe(IndexMetadata metadata) {
    writer.setLiveCommitData(metadata.toUserData().entrySet());
    commit();
  }

  /**
   * Writes a picture in place of what was known of it.
   *
   * @param vector of length 1; null if the file is broken
   */
  void put(PictureFile file, float @Nullable [] vector) {
    IndexFailure.guard(
        index, () -> writer.updateDocument(key(file.name()), PictureFields.document(file, vector)));
    writes++;
  }

  void remove(String name) {
    IndexFailure.guard(index, () -> writer.deleteDocuments(key(name)));
    writes++;
  }

  private static Term key(String name) {
    return new Term(PictureFields.NAME, name);
  }

  void commitIfDue() {
    if (writes >= WRITES_BETWEEN_COMMITS
        || (writes > 0 && System.nanoTime() - lastCommit >= NANOS_BETWEEN_COMMITS)) {
      commit();
    }
  }

  void commit() {
    IndexFailure.guard(index, writer::commit);
    lastCommit = System.nanoTime();
    writes = 0;
  }

  /** Gives the index free; what was not committed is lost. */
  @Override
  public void close() {
    IndexFailure.guard(
        index,
        () -> {
          try (directory) {
            writer.close();
          }
          return true;
        });
  }
}
