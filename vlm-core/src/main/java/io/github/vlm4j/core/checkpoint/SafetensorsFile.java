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
import java.util.Map;
import java.util.Set;

/**
 * A memory-mapped safetensors file, of any size. Opening validates the whole header; tensors are
 * read-only views of the mapping, so that no weight is ever copied to the heap and pages are read
 * as they are touched.
 *
 * <p>The file must not be changed or cut while it is open: the operating system then takes pages
 * away under the mapping. Any thread may read; {@link #close} unmaps, after which every access to a
 * tensor throws {@link IllegalStateException}.
 *
 * <p>Block-quantised tensors are read as VLM4J writes them: bytes, whose type the metadata names.
 *
 * @see <a href="https://github.com/huggingface/safetensors#format">The format</a>
 */
public final class SafetensorsFile implements TensorFile {

  private final Path path;
  private final String file;
  private final SafetensorsHeader header;
  private final Map<String, DType> quantised;
  private final MemorySegment data;
  private final Arena arena;

  private SafetensorsFile(
      Path path,
      String file,
      SafetensorsHeader header,
      Map<String, DType> quantised,
      MemorySegment data,
      Arena arena) {
    this.path = path;
    this.file = file;
    this.header = header;
    this.quantised = quantised;
    this.data = data;
    this.arena = arena;
  }

  /**
   * Opens and validates a file.
   *
   * @param path the file; a symbolic link to one is followed
   * @throws CheckpointException if it is missing, unreadable or not valid safetensors
   */
  public static SafetensorsFile open(Path path) {
    String file = ModelFiles.name(path);
    ModelFiles.requireRegular(path);
    Arena arena = Arena.ofShared();
    boolean opened = false;
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      SafetensorsHeader header = SafetensorsHeader.read(file, channel);
      Map<String, DType> quantised = QuantisedTensors.read(file, header);
      // The validated size, not the file's: if it has been cut meanwhile, mapping it fails.
      long size = header.dataOffset() + header.dataBytes();
      MemorySegment data =
          channel.map(FileChannel.MapMode.READ_ONLY, 0, size, arena).asSlice(header.dataOffset());
      opened = true;
      return new SafetensorsFile(path, file, header, quantised, data, arena);
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

  /** Returns the names of all tensors, in the order of their bytes. */
  @Override
  public Set<String> names() {
    return header.entries().keySet();
  }

  /** Returns the free-form text map of the header, empty if there is none. */
  public Map<String, String> metadata() {
    return header.metadata();
  }

  /** Returns whether there is a tensor of this name, of whatever type. */
  @Override
  public boolean contains(String name) {
    return header.entries().containsKey(name);
  }

  /**
   * Returns a tensor's shape, without touching its data.
   *
   * @throws CheckpointException if there is no such tensor
   */
  @Override
  public Shape shape(String name) {
    Shape stored = entry(name).shape();
    DType blocks = quantised.get(name);
    return blocks == null ? stored : QuantisedTensors.numbers(blocks, stored);
  }

  /**
   * Returns a tensor's element type, without touching its data.
   *
   * @throws CheckpointException if there is no such tensor or its type is not supported
   */
  @Override
  public DType dtype(String name) {
    SafetensorsHeader.Entry entry = entry(name);
    DType blocks = quantised.get(name);
    if (blocks != null) {
      return blocks;
    }
    return entry
        .type()
        .dtype()
        .orElseThrow(() ->
            TensorFile.unsupported(file, name, entry.describe(), StoredType.supportedNames()));
  }

  /**
   * Returns the format's own name of a tensor's element type, supported or not, as {@code F8_E4M3}.
   *
   * @throws CheckpointException if there is no such tensor
   */
  @Override
  public String storedType(String name) {
    SafetensorsHeader.Entry entry = entry(name);
    DType blocks = quantised.get(name);
    return blocks == null ? entry.type().name() : blocks.name();
  }

  /**
   * Returns the bytes that a tensor takes.
   *
   * @throws CheckpointException if there is no such tensor
   */
  @Override
  public long bytes(String name) {
    SafetensorsHeader.Entry entry = entry(name);
    return entry.end() - entry.begin();
  }

  /** Returns the bytes that all tensors take. */
  @Override
  public long totalBytes() {
    return data.byteSize();
  }

  /**
   * Returns a read-only view of a tensor. It need not be aligned to its elements.
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
    SafetensorsHeader.Entry entry = entry(name);
    return Tensor.of(dtype, shape(name), data.asSlice(entry.begin(), entry.end() - entry.begin()));
  }

  /** Returns a tensor's name, type, shape and file, for messages about it. */
  @Override
  public String describe(String name) {
    return contains(name)
        ? Excerpt.quoted(name) + " (" + storedType(name) + shape(name) + " in " + file + ")"
        : Excerpt.quoted(name) + " (not in " + file + ")";
  }

  /** Unmaps the file; a second call does nothing. */
  @Override
  public void close() {
    if (arena.scope().isAlive()) {
      arena.close();
    }
  }

  private SafetensorsHeader.Entry entry(String name) {
    SafetensorsHeader.Entry entry = header.entries().get(name);
    if (entry == null) {
      throw new CheckpointException(file + " has no tensor " + Excerpt.quoted(name));
    }
    return entry;
  }
}
