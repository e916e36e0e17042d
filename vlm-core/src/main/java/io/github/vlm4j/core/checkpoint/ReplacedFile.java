package io.github.vlm4j.core.checkpoint;

import io.github.vlm4j.core.CheckpointException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.UUID;

/**
 * A file in the making. It is written under another name in the same folder and moved into place
 * when it is complete: whatever fails, an existing file stays as it was and nothing half-written
 * remains.
 */
final class ReplacedFile implements AutoCloseable {

  private static final int CHUNK_BYTES = 1 << 20;

  private final Path path;
  private final Path target;
  private final Path temporary;
  private final Thread cleanup;
  private final FileChannel channel;
  private final ByteBuffer chunk = ByteBuffer.allocateDirect(CHUNK_BYTES);
  private long size;

  private ReplacedFile(
      Path path, Path target, Path temporary, Thread cleanup, FileChannel channel) {
    this.path = path;
    this.target = target;
    this.temporary = temporary;
    this.cleanup = cleanup;
    this.channel = channel;
  }

  /**
   * Begins a file.
   *
   * @throws CheckpointException if it cannot be written
   */
  static ReplacedFile create(Path path) {
    Path target = path.toAbsolutePath();
    Path temporary =
        target.resolveSibling("." + ModelFiles.name(path) + "." + UUID.randomUUID() + ".part");
    // For Ctrl-C: finally blocks do not run when the JVM is told to end.
    Thread cleanup = new Thread(() -> delete(temporary));
    Runtime.getRuntime().addShutdownHook(cleanup);
    try {
      FileChannel channel =
          FileChannel.open(temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
      return new ReplacedFile(path, target, temporary, cleanup, channel);
    } catch (IOException e) {
      forget(cleanup);
      throw failure(path, e);
    }
  }

  /** Returns how many bytes were appended. */
  long size() {
    return size;
  }

  /** Appends an array. */
  void append(byte[] bytes) {
    append(MemorySegment.ofArray(bytes));
  }

  /** Appends memory. A segment on the heap has no byte buffer of its own, hence the copy. */
  void append(MemorySegment data) {
    MemorySegment window = MemorySegment.ofBuffer(chunk.clear());
    try {
      for (long done = 0; done < data.byteSize(); ) {
        int count = (int) Math.min(CHUNK_BYTES, data.byteSize() - done);
        MemorySegment.copy(data, done, window, 0, count);
        chunk.clear().limit(count);
        while (chunk.hasRemaining()) {
          channel.write(chunk);
        }
        done += count;
        size += count;
      }
    } catch (IOException e) {
      throw failure(path, e);
    }
  }

  /** Moves the complete file into place. */
  void commit() {
    try {
      channel.force(true);
      channel.close();
      Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      throw failure(path, e);
    }
  }

  /** Removes what was not committed. */
  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException _) {
      // The failure that kept it from being committed is the one to report.
    }
    delete(temporary);
    forget(cleanup);
  }

  /** Returns the error that a file cannot be written. */
  static CheckpointException failure(Path path, IOException e) {
    return new CheckpointException(
        "Cannot write "
            + path
            + ": "
            + e.getClass().getSimpleName()
            + " "
            + Excerpt.of(String.valueOf(e.getMessage())),
        e);
  }

  private static void forget(Thread cleanup) {
    try {
      Runtime.getRuntime().removeShutdownHook(cleanup);
    } catch (IllegalStateException _) {
      // The JVM is ending and has started it.
    }
  }

  private static void delete(Path temporary) {
    try {
      Files.deleteIfExists(temporary);
    } catch (IOException _) {
      // The failure that left it behind is the one to report.
    }
  }
}
