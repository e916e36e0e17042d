package io.github.vlm4j.core.checkpoint;

import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;

/**
 * A memory-mapped GGUF file of version 2 or 3, of any size, as llama.cpp and ggml write them.
 * Opening validates the whole header; tensors are read-only views of the mapping. Their shapes are
 * given outermost dimension first, the other way round than in the file: what ggml calls {@code
 * [in, out]} is {@code [out, in]} here, of the same bytes.
 *
 * <p>The file must not be changed or cut while it is open: the operating system then takes pages
 * away under the mapping. Any thread may read; {@link #close} unmaps, after which every access to a
 * tensor throws {@link IllegalStateException}.
 *
 * @see <a href="https://github.com/ggml-org/ggml/blob/master/docs/gguf.md">The format</a>
 */
public final class GgufFile implements TensorFile {

  private final Path path;
  private final String file;
  private final GgufHeader header;
  private final GgufMetadata metadata;
  private final MemorySegment bytes;
  private final Arena arena;

  private GgufFile(Path path, String file, GgufHeader header, MemorySegment bytes, Arena arena) {
    this.path = path;
    this.file = file;
    this.header = header;
    this.metadata = new GgufMetadata(file, header.metadata());
    this.bytes = bytes;
    this.arena = arena;
  }

  /**
   * Opens and validates a file.
   *
   * @param path the file; a symbolic link to one is followed
   * @throws CheckpointException if it is missing, unreadable or not valid GGUF
   */
  public static GgufFile open(Path path) {
    String file = ModelFiles.name(path);
    ModelFiles.requireRegular(path);
    Arena arena = Arena.ofShared();
    boolean opened = false;
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      MemorySegment bytes = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
      GgufHeader header = GgufHeader.read(file, bytes);
      opened = true;
      return new GgufFile(path, file, header, bytes, arena);
    } catch (IOException e) {
      throw new CheckpointException(file + " " + StrictJson.problem(e), e);
    } finally {
      if (!opened) {
        arena.close();
      }
    }
  }

  /** Returns the file as it was given. */
  @Override
  public Path path() {
    return path;
  }

  /** Returns what the file says about itself: sizes, tokenizer, chat template. */
  public GgufMetadata metadata() {
    return metadata;
  }

  /** Returns the names of all tensors, in the order of their bytes. */
  @Override
  public Set<String> names() {
    return header.entries().keySet();
  }

  /** Returns whether there is a tensor of this name, of whatever type. */
  @Override
  public boolean contains(String name) {
    return header.entries().containsKey(name);
  }

  /**
   * Returns a tensor's shape, outermost dimension first.
   *
   * @throws CheckpointException if there is no such tensor
   */
  @Override
  public Shape shape(String name) {
    return entry(name).shape();
  }

  /**
   * Returns a tensor's element type, without touching its data.
   *
   * @throws CheckpointException if there is no such tensor or its type is not supported
   */
  @Override
  public DType dtype(String name) {
    GgufHeader.Entry entry = entry(name);
    return entry
        .type()
        .dtype()
        .orElseThrow(
            () -> TensorFile.unsupported(file, name, entry.describe(), GgmlType.supportedNames()));
  }

  /**
   * Returns ggml's own name of a tensor's element type, supported or not, as {@code Q5_K}.
   *
   * @throws CheckpointException if there is no such tensor
   */
  @Override
  public String storedType(String name) {
    return entry(name).type().name();
  }

  /**
   * Returns the bytes that a tensor takes.
   *
   * @throws CheckpointException if there is no such tensor
   */
  @Override
  public long bytes(String name) {
    return entry(name).bytes();
  }

  /** Returns the bytes that all tensors take, without those between them. */
  @Override
  public long totalBytes() {
    return header.entries().values().stream().mapToLong(GgufHeader.Entry::bytes).sum();
  }

  /**
   * Returns a read-only view of a tensor.
   *
   * @throws CheckpointException if there is no such tensor or its type is not supported
   * @throws IllegalStateException if the file has been closed
   */
  @Override
  public Tensor tensor(String name) {
    DType dtype = dtype(name);
    if (!arena.scope().isAlive()) {
      throw new IllegalStateException(
          "Tensor " + Excerpt.quoted(name) + " was asked of " + file + " after it was closed");
    }
    GgufHeader.Entry entry = entry(name);
    return Tensor.of(
        dtype, entry.shape(), bytes.asSlice(header.dataOffset() + entry.begin(), entry.bytes()));
  }

  /** Returns a tensor's name, type, shape and file, for messages about it. */
  @Override
  public String describe(String name) {
    return contains(name)
        ? Excerpt.quoted(name) + " (" + entry(name).describe() + " in " + file + ")"
        : Excerpt.quoted(name) + " (not in " + file + ")";
  }

  /** Unmaps the file; a second call does nothing. */
  @Override
  public void close() {
    if (arena.scope().isAlive()) {
      arena.close();
    }
  }

  private GgufHeader.Entry entry(String name) {
    GgufHeader.Entry entry = header.entries().get(name);
    if (entry == null) {
      throw new CheckpointException(file + " has no tensor " + Excerpt.quoted(name));
    }
    return entry;
  }
}
