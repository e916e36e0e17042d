package io.github.vlm4j.core.checkpoint;

import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Writes a safetensors file that takes long to make, one tensor after the other, and goes on where
 * a run that was ended, even killed, has stopped. What is not complete has another, hidden name, in
 * which a digest says what it is becoming: a run that makes something else begins anew.
 *
 * <p>The tensor that was last complete is made again, as after a power failure its bytes may not
 * have reached the disk although the file has its length.
 */
public final class ResumableSafetensors implements AutoCloseable {

  private static final int CHUNK_BYTES = 1 << 20;

  private final Path path;
  private final Path part;
  private final FileChannel channel;
  private final List<SafetensorsWriter.Entry> tensors;
  private final long[] ends;
  private final int done;
  private final ByteBuffer chunk = ByteBuffer.allocateDirect(CHUNK_BYTES);

  private ResumableSafetensors(
      Path path,
      Path part,
      FileChannel channel,
      List<SafetensorsWriter.Entry> tensors,
      long[] ends,
      int done) {
    this.path = path;
    this.part = part;
    this.channel = channel;
    this.tensors = tensors;
    this.ends = ends;
    this.done = done;
  }

  /** What is to be written: names, types and extents of tensors, in order, and metadata. */
  public static final class Contents {

    private final List<SafetensorsWriter.Entry> tensors = new ArrayList<>();
    private final Map<String, String> metadata;

    /**
     * Begins without tensors.
     *
     * @param metadata free-form text for the header
     */
    public Contents(Map<String, String> metadata) {
      this.metadata = Map.copyOf(metadata);
    }

    /** Adds a tensor after those added before. */
    public void add(String name, DType dtype, Shape shape) {
      tensors.add(new SafetensorsWriter.Entry(name, dtype, shape));
    }
  }

  /**
   * Begins a file, or goes on with one.
   *
   * @param path the file, replaced when the new one is committed
   * @param origin what the tensors are made from, so that only the same is gone on with
   * @throws CheckpointException if another process writes it, or if writing fails
   */
  public static ResumableSafetensors open(Path path, Contents contents, String origin) {
    byte[] header = SafetensorsWriter.header(path, contents.tensors, contents.metadata);
    long[] ends = new long[contents.tensors.size()];
    long end = header.length;
    for (int i = 0; i < ends.length; i++) {
      end = Math.addExact(end, contents.tensors.get(i).bytes());
      ends[i] = end;
    }
    Path target = path.toAbsolutePath();
    String prefix = "." + ModelFiles.name(path) + ".";
    String digest = HexFormat.of().formatHex(Digest.of(header, origin), 0, 8);
    Path part = target.resolveSibling(prefix + digest + ".part");
    @Nullable FileChannel channel = null;
    try {
      channel =
          FileChannel.open(
              part, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
      lock(path, channel);
      removeOthers(target, prefix, part);
      int done = done(channel, header, ends);
      return new ResumableSafetensors(
          path, part, channel, List.copyOf(contents.tensors), ends, done);
    } catch (IOException e) {
      close(channel);
      throw ReplacedFile.failure(path, e);
    } catch (RuntimeException | Error e) {
      close(channel);
      throw e;
    }
  }

  private static void lock(Path path, FileChannel channel) throws IOException {
    try {
      if (channel.tryLock() != null) {
        return;
      }
    } catch (OverlappingFileLockException _) {
      // Another writer of this process holds it.
    }
    throw new CheckpointException(
        "Cannot write " + path + ": another run is writing it; wait for it or end it");
  }

  private static void removeOthers(Path target, String prefix, Path part) throws IOException {
    Path folder = target.getParent();
    try (DirectoryStream<Path> entries =
        Files.newDirectoryStream(folder, file -> ModelFiles.name(file).startsWith(prefix))) {
      for (Path file : entries) {
        if (!file.equals(part) && ModelFiles.name(file).endsWith(".part")) {
          Files.delete(file);
        }
      }
    }
  }

  /** Returns how many tensors are there, and cuts off what follows them. */
  private static int done(FileChannel channel, byte[] header, long[] ends) throws IOException {
    int complete = 0;
    while (complete < ends.length && ends[complete] <= channel.size()) {
      complete++;
    }
    int done = Math.max(0, complete - 1);
    channel.truncate(done == 0 ? 0 : ends[done - 1]);
    channel.position(channel.size());
    if (done == 0) {
      ByteBuffer bytes = ByteBuffer.wrap(header);
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
    }
    return done;
  }

  /** Returns how many tensors need not be written, as they are there. */
  public int done() {
    return done;
  }

  /**
   * Appends some bytes of the tensor whose turn it is.
   *
   * @throws CheckpointException if writing fails
   */
  public void append(MemorySegment data) {
    MemorySegment window = MemorySegment.ofBuffer(chunk.clear());
    try {
      for (long at = 0; at < data.byteSize(); ) {
        int count = (int) Math.min(CHUNK_BYTES, data.byteSize() - at);
        MemorySegment.copy(data, at, window, 0, count);
        chunk.clear().limit(count);
        while (chunk.hasRemaining()) {
          channel.write(chunk);
        }
        at += count;
      }
    } catch (IOException e) {
      throw ReplacedFile.failure(path, e);
    }
  }

  /**
   * Says that a tensor's bytes are all written, and has them reach the disk.
   *
   * @param index its place in the order
   * @throws IllegalStateException if there are more or fewer bytes than it takes
   * @throws CheckpointException if that fails
   */
  public void complete(int index) {
    try {
      if (channel.position() != ends[index]) {
        throw new IllegalStateException(
            "The bytes of " + tensors.get(index).name() + " do not end where they should");
      }
      channel.force(true);
    } catch (IOException e) {
      throw ReplacedFile.failure(path, e);
    }
  }

  /**
   * Puts the complete file into its place.
   *
   * @throws CheckpointException if that fails
   */
  public void commit() {
    try {
      if (ends.length > 0 && channel.size() != ends[ends.length - 1]) {
        throw new IllegalStateException("Tensors are missing from " + path);
      }
      channel.force(true);
      channel.close();
      Files.move(part, path.toAbsolutePath(), StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      throw ReplacedFile.failure(path, e);
    }
  }

  /** Leaves what is there for a later run, unless it was committed. */
  @Override
  public void close() {
    close(channel);
  }

  private static void close(@Nullable FileChannel channel) {
    try {
      if (channel != null) {
        channel.close();
      }
    } catch (IOException _) {
      // Nothing of it is relied on.
    }
  }
}
