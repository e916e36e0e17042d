package io.github.vlm4j.core.checkpoint;

import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Writes a GGUF file of version 3 from its beginning to its end: first what is in it, then the
 * bytes of one tensor after the other, in parts if they are made as they are written. The file
 * comes into its place when it is complete and {@link #commit committed}; without that, closing
 * leaves nothing behind.
 *
 * <pre>{@code
 * try (var writer = GgufWriter.create(path, metadata, tensors)) {
 *   tensors.forEach(info -> writer.append(data(info)));
 *   writer.commit();
 * }
 * }</pre>
 */
public final class GgufWriter implements AutoCloseable {

  /**
   * A tensor that will be written.
   *
   * @param name at most 63 bytes in UTF-8
   * @param dtype its element type
   * @param shape outermost dimension first, at most four; rows are whole blocks
   */
  public record TensorInfo(String name, DType dtype, Shape shape) {

    /**
     * Returns the bytes it takes.
     *
     * @throws IllegalArgumentException if a row is not a whole number of blocks
     */
    public long bytes() {
      return Tensor.byteSize(dtype, shape);
    }
  }

  private final Path path;
  private final List<TensorInfo> tensors;
  private final int alignment;
  private final ReplacedFile file;
  private int tensor;
  private long written;

  private GgufWriter(Path path, List<TensorInfo> tensors, int alignment, ReplacedFile file) {
    this.path = path;
    this.tensors = tensors;
    this.alignment = alignment;
    this.file = file;
  }

  /**
   * Begins a file.
   *
   * @param path the file, replaced if it exists when the new one is committed
   * @param metadata in the order in which it is to stand; {@code general.alignment}, if there, must
   *     be a power of two of the type UINT32
   * @param tensors in the order in which they are to stand
   * @throws CheckpointException if the format cannot hold a name, a key or a shape, or if writing
   *     fails
   */
  public static GgufWriter create(
      Path path, Map<String, GgufValue> metadata, List<TensorInfo> tensors) {
    int alignment = GgufHeader.alignment("Cannot write " + path, metadata);
    requireWritable(path, metadata.keySet(), tensors);
    byte[] header = new Header(path).of(metadata, tensors, alignment);
    ReplacedFile file = ReplacedFile.create(path);
    GgufWriter writer = new GgufWriter(path, List.copyOf(tensors), alignment, file);
    try {
      file.append(header);
      writer.pad();
      return writer;
    } catch (RuntimeException | Error failure) {
      file.close();
      throw failure;
    }
  }

  private static void requireWritable(Path path, Set<String> keys, List<TensorInfo> tensors) {
    for (String key : keys) {
      int bytes = key.getBytes(StandardCharsets.UTF_8).length;
      if (bytes == 0 || bytes > GgufHeader.MAX_KEY_BYTES) {
        throw refused(path, "the key " + Excerpt.quoted(key) + " is empty or too long");
      }
    }
    Set<String> names = new HashSet<>();
    for (TensorInfo info : tensors) {
      String tensor = "tensor " + Excerpt.quoted(info.name());
      if (info.name().getBytes(StandardCharsets.UTF_8).length > GgufHeader.MAX_NAME_BYTES) {
        throw refused(path, tensor + " has a name of more than 63 bytes");
      }
      if (!names.add(info.name())) {
        throw refused(path, tensor + " is there twice");
      }
      if (info.shape().rank() > GgufHeader.MAX_RANK) {
        throw refused(path, tensor + " has more than 4 dimensions: " + info.shape());
      }
      if (info.shape().last() % info.dtype().blockElements() != 0) {
        throw refused(
            path,
            "%s has rows of %d elements, not a whole number of %s blocks of %d"
                .formatted(
                    tensor, info.shape().last(), info.dtype(), info.dtype().blockElements()));
      }
    }
  }

  /**
   * Appends all bytes of the next tensor.
   *
   * @throws IllegalArgumentException if type and shape are not what was announced
   * @throws CheckpointException if writing fails
   */
  public void append(Tensor data) {
    if (written != 0
        || tensor == tensors.size()
        || data.dtype() != tensors.get(tensor).dtype()
        || !data.shape().equals(tensors.get(tensor).shape())) {
      throw new IllegalArgumentException(data + " is not what follows in " + path);
    }
    if (data.data().byteSize() == 0) {
      tensor++;
      return;
    }
    append(data.data());
  }

  /**
   * Appends some bytes of the next tensor, or of the one that is not complete yet.
   *
   * @param part at most the bytes that it still needs
   * @throws IllegalArgumentException if it has more bytes, or all tensors are written
   * @throws CheckpointException if writing fails
   */
  public void append(MemorySegment part) {
    skipEmpty();
    long needed = tensor == tensors.size() ? 0 : tensors.get(tensor).bytes() - written;
    if (part.byteSize() > needed) {
      throw new IllegalArgumentException(
          part.byteSize() + " bytes do not fit the " + needed + " that follow in " + path);
    }
    file.append(part);
    written += part.byteSize();
    if (part.byteSize() == needed) {
      pad();
      tensor++;
      written = 0;
    }
  }

  private void skipEmpty() {
    while (tensor < tensors.size() && tensors.get(tensor).bytes() == 0) {
      tensor++;
    }
  }

  private void pad() {
    file.append(new byte[(int) (GgufHeader.padded(file.size(), alignment) - file.size())]);
  }

  /**
   * Puts the complete file into its place.
   *
   * @throws IllegalStateException if bytes are missing
   * @throws CheckpointException if that fails
   */
  public void commit() {
    skipEmpty();
    if (tensor < tensors.size()) {
      throw new IllegalStateException(
          "The bytes of " + tensors.get(tensor).name() + " were not all written to " + path);
    }
    file.commit();
  }

  /** Leaves nothing behind of a file that was not committed. */
  @Override
  public void close() {
    file.close();
  }

  private static CheckpointException refused(Path path, String problem) {
    return new CheckpointException("Cannot write " + path + ": " + problem);
  }

  /** The bytes before the tensors. */
  private static final class Header {

    private final Path path;
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    Header(Path path) {
      this.path = path;
    }

    byte[] of(Map<String, GgufValue> metadata, List<TensorInfo> tensors, int alignment) {
      whole(GgufHeader.MAGIC, 4);
      whole(GgufHeader.VERSION, 4);
      whole(tensors.size(), 8);
      whole(metadata.size(), 8);
      metadata.forEach((key, value) -> {
        text(key);
        typed(value);
      });
      long offset = 0;
      for (TensorInfo info : tensors) {
        text(info.name());
        whole(info.shape().rank(), 4);
        for (int axis = info.shape().rank() - 1; axis >= 0; axis--) {
          whole(info.shape().dim(axis), 8);
        }
        whole(GgmlType.of(info.dtype()).number(), 4);
        whole(offset, 8);
        offset = GgufHeader.padded(Math.addExact(offset, info.bytes()), alignment);
      }
      return out.toByteArray();
    }

    private void typed(GgufValue value) {
      switch (value) {
        case GgufValue.Whole(GgufValue.WholeType type, long number) -> {
          whole(type.number(), 4);
          whole(number, type.bytes());
        }
        case GgufValue.Real(GgufValue.RealType type, double number) -> {
          whole(type.number(), 4);
          real(type, number);
        }
        case GgufValue.Flag(boolean flag) -> {
          whole(GgufValues.BOOL, 4);
          out.write(flag ? 1 : 0);
        }
        case GgufValue.Text(String text) -> {
          whole(GgufValues.STRING, 4);
          text(text);
        }
        case GgufValue.Wholes(GgufValue.WholeType type, long[] numbers) -> {
          list(type.number(), numbers.length);
          for (long number : numbers) {
            whole(number, type.bytes());
          }
        }
        case GgufValue.Reals(GgufValue.RealType type, double[] numbers) -> {
          list(type.number(), numbers.length);
          for (double number : numbers) {
            real(type, number);
          }
        }
        case GgufValue.Flags(List<Boolean> flags) -> {
          list(GgufValues.BOOL, flags.size());
          flags.forEach(flag -> out.write(flag ? 1 : 0));
        }
        case GgufValue.Texts(List<String> texts) -> {
          list(GgufValues.STRING, texts.size());
          texts.forEach(this::text);
        }
      }
    }

    private void list(int type, int count) {
      whole(GgufValues.ARRAY, 4);
      whole(type, 4);
      whole(count, 8);
    }

    private void real(GgufValue.RealType type, double number) {
      switch (type) {
        case FLOAT32 -> whole(Float.floatToRawIntBits((float) number), 4);
        case FLOAT64 -> whole(Double.doubleToRawLongBits(number), 8);
      }
    }

    private void text(String text) {
      if (!Excerpt.isUnicode(text)) {
        throw refused(path, Excerpt.quoted(text) + " has an unpaired surrogate");
      }
      byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
      whole(bytes.length, 8);
      out.writeBytes(bytes);
    }

    private void whole(long number, int bytes) {
      out.write(
          ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(number).array(), 0, bytes);
    }
  }
}
