package io.github.vlm4j.core.checkpoint;

import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * How safetensors files hold block-quantised tensors, for which the format has no types: as bytes
 * (U8), of which the last dimension is those of a row, {@code [rows, bytes per row]}, with the type
 * in the file's metadata under {@code ggml_type:} and the tensor's name. Blocks lie as in GGUF
 * files. A reader that does not know this sees bytes, and not numbers that mean something else.
 *
 * <pre>{@code
 * {"__metadata__": {"ggml_type:lm_head.weight": "Q4_0"},
 *  "lm_head.weight": {"dtype": "U8", "shape": [151936, 1152], "data_offsets": [0, 175030272]}}
 * }</pre>
 */
final class QuantisedTensors {

  private static final String KEY = "ggml_type:";

  private QuantisedTensors() {}

  /** Returns what the metadata says of the tensors that are quantised. */
  static Map<String, String> metadata(List<SafetensorsWriter.Entry> tensors) {
    Map<String, String> types = new LinkedHashMap<>();
    for (SafetensorsWriter.Entry entry : tensors) {
      if (entry.dtype().isQuantised()) {
        types.put(KEY + entry.name(), entry.dtype().name());
      }
    }
    return types;
  }

  /** Returns the extents of the bytes of a tensor. */
  static Shape bytes(DType dtype, Shape shape) {
    return shape.with(-1, dtype.bytes(shape.last()));
  }

  /**
   * Returns the types of a file's quantised tensors.
   *
   * @param file its name for messages
   * @throws CheckpointException if the metadata contradicts the tensors
   */
  static Map<String, DType> read(String file, SafetensorsHeader header) {
    Map<String, DType> types = new LinkedHashMap<>();
    header
        .metadata()
        .forEach((key, value) -> {
          if (key.startsWith(KEY)) {
            String name = key.substring(KEY.length());
            types.put(name, read(file, header, name, value));
          }
        });
    return types;
  }

  private static DType read(String file, SafetensorsHeader header, String name, String value) {
    DType type =
        Arrays.stream(DType.values())
            .filter(dtype -> dtype.isQuantised() && dtype.name().equals(value))
            .findFirst()
            .orElseThrow(() ->
                new CheckpointException(
                    SafetensorsHeader.tensor(file, name)
                        + " is said to be "
                        + Excerpt.quoted(value)
                        + " by the metadata; supported are "
                        + supported()));
    SafetensorsHeader.Entry entry = header.entries().get(name);
    if (entry == null) {
      throw new CheckpointException(
          SafetensorsHeader.tensor(file, name)
              + " is said to be "
              + type
              + " by the metadata, but the file does not hold it; it is damaged");
    }
    Shape shape = entry.shape();
    if (entry.type() != StoredType.U8
        || shape.rank() == 0
        || shape.last() % type.blockBytes() != 0) {
      throw new CheckpointException(
          SafetensorsHeader.tensor(file, name)
              + " is "
              + entry.describe()
              + ", but the metadata says "
              + type
              + ", whose rows are bytes (U8), a multiple of "
              + type.blockBytes());
    }
    try {
      numbers(type, shape);
    } catch (ArithmeticException e) {
      throw new CheckpointException(
          SafetensorsHeader.tensor(file, name)
              + " of "
              + entry.describe()
              + " has more elements than can be counted",
          e);
    }
    return type;
  }

  /** Returns the extents of the numbers of a tensor, given those of its bytes. */
  static Shape numbers(DType type, Shape bytes) {
    long blocks = bytes.last() / type.blockBytes();
    return bytes.with(-1, Math.multiplyExact(blocks, (long) type.blockElements()));
  }

  private static String supported() {
    return Arrays.stream(DType.values())
        .filter(DType::isQuantised)
        .map(DType::name)
        .collect(Collectors.joining(", "));
  }
}
