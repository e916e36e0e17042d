package io.github.vlm4j.core.checkpoint;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Writes safetensors files. The bytes depend on the tensors alone, not on their order in the map:
 * wider elements come first, then names in order, so that every tensor is aligned to its elements;
 * the header is padded with spaces to a multiple of 8 bytes.
 */
public final class SafetensorsWriter {

  private static final int HEADER_ALIGNMENT = 8;

  private SafetensorsWriter() {}

  /**
   * Writes tensors without metadata.
   *
   * @throws CheckpointException as {@link #write(Path, Map, Map)}
   */
  public static void write(Path path, Map<String, Tensor> tensors) {
    write(path, tensors, Map.of());
  }

  /**
   * Writes tensors. They go to a temporary file in the same folder, which is moved into place when
   * it is complete: whatever fails, an existing file stays as it was and nothing half-written
   * remains.
   *
   * @param path the file, replaced if it exists
   * @param tensors by name; f32, f16, bf16, i8, i32, i64, or block-quantised as {@link
   *     QuantisedTensors} says
   * @param metadata free-form text for the header
   * @throws CheckpointException if the format cannot hold a name or an element type, or if writing
   *     fails
   * @throws IllegalStateException if a tensor's memory has been freed
   */
  public static void write(Path path, Map<String, Tensor> tensors, Map<String, String> metadata) {
    List<Map.Entry<String, Tensor>> ordered =
        tensors.entrySet().stream()
            .sorted(
                Comparator.comparingInt(
                        (Map.Entry<String, Tensor> e) -> -e.getValue().dtype().blockBytes())
                    .thenComparing(Map.Entry::getKey))
            .toList();
    byte[] header =
        header(
            path,
            ordered.stream()
                .map(e -> new Entry(e.getKey(), e.getValue().dtype(), e.getValue().shape()))
                .toList(),
            metadata);
    try (ReplacedFile file = ReplacedFile.create(path)) {
      file.append(header);
      ordered.forEach(entry -> file.append(entry.getValue().data()));
      file.commit();
    }
  }

  /**
   * A tensor of a file that is written.
   *
   * @param shape its extents; those of the numbers and not of the bytes, if it is quantised
   */
  record Entry(String name, DType dtype, Shape shape) {

    /** Returns the bytes it takes. */
    long bytes() {
      return Tensor.byteSize(dtype, shape);
    }
  }

  /** Returns the bytes before the tensors, which follow in the order of the list. */
  static byte[] header(Path path, List<Entry> tensors, Map<String, String> metadata) {
    ObjectNode header = JsonNodeFactory.instance.objectNode();
    Map<String, String> all = new TreeMap<>(metadata);
    all.putAll(QuantisedTensors.metadata(tensors));
    if (!all.isEmpty()) {
      ObjectNode text = header.putObject(SafetensorsHeader.METADATA);
      all.forEach((key, value) -> {
        requireUnicode(path, key);
        requireUnicode(path, value);
        text.put(key, value);
      });
    }
    long offset = 0;
    for (Entry entry : tensors) {
      requireUnicode(path, entry.name());
      if (entry.name().equals(SafetensorsHeader.METADATA)) {
        throw new CheckpointException(
            "Cannot write " + path + ": a tensor cannot be named " + SafetensorsHeader.METADATA);
      }
      ObjectNode description = header.putObject(entry.name());
      boolean quantised = entry.dtype().isQuantised();
      description.put(
          "dtype",
          quantised ? StoredType.U8.name() : type(path, entry.name(), entry.dtype()).name());
      ArrayNode shape = description.putArray("shape");
      Shape stored =
          quantised ? QuantisedTensors.bytes(entry.dtype(), entry.shape()) : entry.shape();
      Arrays.stream(stored.toArray()).forEach(shape::add);
      long end = Math.addExact(offset, entry.bytes());
      description.putArray("data_offsets").add(offset).add(end);
      offset = end;
    }
    byte[] json;
    try {
      json = new ObjectMapper().writeValueAsBytes(header);
    } catch (IOException e) {
      throw new CheckpointException("Cannot write " + path + ": " + StrictJson.problem(e), e);
    }
    int padded = Math.ceilDiv(json.length, HEADER_ALIGNMENT) * HEADER_ALIGNMENT;
    if (padded > SafetensorsHeader.MAX_HEADER_BYTES) {
      throw new CheckpointException(
          "Cannot write "
              + path
              + ": its header of "
              + padded
              + " bytes exceeds the "
              + SafetensorsHeader.MAX_HEADER_BYTES
              + " that the format allows");
    }
    byte[] bytes = new byte[SafetensorsHeader.LENGTH_BYTES + padded];
    Arrays.fill(bytes, (byte) ' ');
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putLong(padded).put(json);
    return bytes;
  }

  private static StoredType type(Path path, String name, DType dtype) {
    return StoredType.of(dtype)
        .orElseThrow(() ->
            new CheckpointException(
                "Cannot write "
                    + path
                    + ": tensor "
                    + Excerpt.quoted(name)
                    + " is "
                    + dtype
                    + ", which safetensors cannot hold; it can hold "
                    + StoredType.supportedNames()));
  }

  private static void requireUnicode(Path path, String text) {
    if (!Excerpt.isUnicode(text)) {
      throw new CheckpointException(
          "Cannot write " + path + ": " + Excerpt.quoted(text) + " has an unpaired surrogate");
    }
  }
}
