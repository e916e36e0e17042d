package io.github.vlm4j.core.checkpoint;

import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.tensor.Shape;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The validated table of contents of a GGUF file. The rules are those of ggml's {@code gguf.cpp}:
 * tensors lie one after the other, each at a multiple of the alignment. Beyond them, absurd counts
 * and bytes after the last tensor are refused.
 *
 * @param dataOffset where the tensors' bytes begin in the file
 * @param metadata by key, in the file's order
 * @param entries the tensors by name, in the order of their bytes
 */
record GgufHeader(
    long dataOffset, Map<String, GgufValue> metadata, Map<String, GgufHeader.Entry> entries) {

  static final int MAGIC = 0x4655_4747;
  static final int DEFAULT_ALIGNMENT = 32;
  static final String ALIGNMENT = "general.alignment";

  /** The first version with counts of 64 bits, and the last there is. */
  static final int MIN_VERSION = 2;

  static final int VERSION = 3;
  static final int MAX_NAME_BYTES = 63;
  static final int MAX_KEY_BYTES = 65_535;
  static final int MAX_RANK = 4;
  static final int MAX_TENSORS = 1 << 18;
  static final int MAX_KEYS = 1 << 16;

  /** The largest vocabularies take some 15 MB. */
  static final int MAX_HEADER_BYTES = 64 << 20;

  private static final int MAX_ALIGNMENT = 1 << 20;
  private static final int MIN_BYTES_PER_TENSOR = 8 + 4 + 4 + 8;
  private static final int MIN_BYTES_PER_KEY = 8 + 4 + 1;

  /**
   * A tensor of the file.
   *
   * @param shape outermost dimension first, the other way round than in the file
   * @param begin the first byte, counted from the beginning of the data
   * @param bytes how many there are
   */
  record Entry(String name, GgmlType type, Shape shape, long begin, long bytes) {

    /** Returns type and shape, as {@code Q8_0[2048, 6144]}. */
    String describe() {
      return type + shape.toString();
    }
  }

  /**
   * Reads and validates the header.
   *
   * @param file the name for error messages
   * @param bytes the whole file
   * @throws CheckpointException if the file is not what the format allows
   */
  static GgufHeader read(String file, MemorySegment bytes) {
    GgufCursor in = new GgufCursor(file, bytes, MAX_HEADER_BYTES);
    if (in.int32("the letters GGUF at its beginning") != MAGIC) {
      throw in.broken("does not begin with the letters GGUF; it is damaged or not a GGUF file");
    }
    requireVersion(in);
    int tensors = in.count("tensors", MIN_BYTES_PER_TENSOR, MAX_TENSORS);
    int keys = in.count("metadata entries", MIN_BYTES_PER_KEY, MAX_KEYS);
    Map<String, GgufValue> metadata = GgufValues.read(in, file, keys);
    int alignment = alignment(file, metadata);
    List<Entry> entries = new ArrayList<>();
    for (int i = 0; i < tensors; i++) {
      entries.add(entry(in, file, i));
    }
    long dataOffset = padded(in.position(), alignment);
    return new GgufHeader(
        dataOffset,
        Collections.unmodifiableMap(metadata),
        Collections.unmodifiableMap(
            byName(file, entries, alignment, bytes.byteSize() - dataOffset)));
  }

  private static void requireVersion(GgufCursor in) {
    int version = in.int32("its version");
    if ((version & 0xffff) == 0) {
      throw in.broken(
          "is a GGUF file of big-endian numbers, which are not supported; convert it again with"
              + " little-endian ones");
    }
    if (version < MIN_VERSION || version > VERSION) {
      throw in.broken(
          "is a GGUF file of version %s, but %d and %d are supported; convert it again"
              .formatted(Integer.toUnsignedString(version), MIN_VERSION, VERSION));
    }
  }

  static int alignment(String file, Map<String, GgufValue> metadata) {
    GgufValue value = metadata.getOrDefault(ALIGNMENT, GgufValue.uint32(DEFAULT_ALIGNMENT));
    if (value instanceof GgufValue.Whole(GgufValue.WholeType type, long alignment)
        && type == GgufValue.WholeType.UINT32
        && alignment > 0
        && alignment <= MAX_ALIGNMENT
        && Long.bitCount(alignment) == 1) {
      return (int) alignment;
    }
    throw new CheckpointException(
        file
            + ": "
            + ALIGNMENT
            + " must be a power of two up to "
            + MAX_ALIGNMENT
            + " of the type UINT32, got "
            + GgufMetadata.found(value));
  }

  private static Entry entry(GgufCursor in, String file, int index) {
    String name = in.string("the name of tensor " + index, MAX_NAME_BYTES);
    String tensor = SafetensorsHeader.tensor(file, name);
    long rank = in.uint32("the rank of a tensor");
    if (rank > MAX_RANK) {
      throw new CheckpointException(
          tensor + " has " + rank + " dimensions, but at most " + MAX_RANK + " are allowed");
    }
    long[] dims = new long[(int) rank];
    for (int i = dims.length - 1; i >= 0; i--) {
      dims[i] = in.int64("the shape of a tensor");
      if (dims[i] < 0) {
        throw new CheckpointException(
            tensor
                + " has a dimension of "
                + Long.toUnsignedString(dims[i])
                + ", more than can be counted");
      }
    }
    long number = in.uint32("the type of a tensor");
    GgmlType type =
        GgmlType.numbered(number)
            .orElseThrow(() ->
                new CheckpointException(
                    tensor + " has the unknown element type " + number + "; the file is damaged"));
    long begin = in.int64("the offset of a tensor");
    Shape shape = shape(tensor, dims);
    if (shape.last() % type.blockElements() != 0) {
      throw new CheckpointException(
          "%s of %s%s has rows of %d elements, not a whole number of blocks of %d"
              .formatted(tensor, type, shape, shape.last(), type.blockElements()));
    }
    try {
      long bytes = Math.multiplyExact(shape.elements() / type.blockElements(), type.blockBytes());
      return new Entry(name, type, shape, begin, bytes);
    } catch (ArithmeticException e) {
      throw new CheckpointException(
          tensor + " of " + type + shape + " has more bytes than can be counted", e);
    }
  }

  private static Shape shape(String tensor, long[] dims) {
    try {
      return Shape.of(dims);
    } catch (ArithmeticException e) {
      throw new CheckpointException(tensor + " has more elements than can be counted", e);
    }
  }

  private static Map<String, Entry> byName(
      String file, List<Entry> entries, int alignment, long dataBytes) {
    Map<String, Entry> byName = LinkedHashMap.newLinkedHashMap(entries.size());
    long expected = 0;
    long end = 0;
    for (Entry entry : entries) {
      if (entry.begin != expected) {
        throw new CheckpointException(
            SafetensorsHeader.tensor(file, entry.name)
                + " begins at byte "
                + Long.toUnsignedString(entry.begin)
                + " of the data, but "
                + expected
                + " follows from the tensors before it and the alignment of "
                + alignment);
      }
      end = expected + entry.bytes;
      if (end < 0 || end > Long.MAX_VALUE - MAX_ALIGNMENT) {
        throw new CheckpointException(
            SafetensorsHeader.tensor(file, entry.name)
                + " ends at a byte that is beyond what can be counted");
      }
      expected = padded(end, alignment);
      if (byName.put(entry.name, entry) != null) {
        throw new CheckpointException(
            SafetensorsHeader.tensor(file, entry.name) + " is there twice");
      }
    }
    if (end > Math.max(dataBytes, 0) || dataBytes > expected) {
      throw new CheckpointException(
          file
              + ": the tensors end at byte "
              + end
              + " of the data, but the file has "
              + Math.max(dataBytes, 0)
              + " bytes of data; it is "
              + (end > dataBytes ? "truncated" : "damaged"));
    }
    return byName;
  }

  static long padded(long size, int alignment) {
    return (size + alignment - 1) / alignment * alignment;
  }
}
