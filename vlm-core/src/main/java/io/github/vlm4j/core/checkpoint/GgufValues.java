package io.github.vlm4j.core.checkpoint;

import io.github.vlm4j.core.CheckpointException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Reads the metadata of a GGUF file. */
final class GgufValues {

  static final int BOOL = 7;
  static final int STRING = 8;
  static final int ARRAY = 9;

  /**
   * The entries of all lists together: some four times what the largest vocabularies have with
   * their merges, to bound the heap.
   */
  static final int MAX_ELEMENTS = 1 << 22;

  private final GgufCursor in;
  private String key = "";
  private int elements;

  private GgufValues(GgufCursor in) {
    this.in = in;
  }

  /**
   * Reads all entries.
   *
   * @throws CheckpointException if they are not what the format allows, or a key is there twice
   */
  static Map<String, GgufValue> read(GgufCursor in, String file, int keys) {
    Map<String, GgufValue> metadata = LinkedHashMap.newLinkedHashMap(keys);
    GgufValues values = new GgufValues(in);
    for (int i = 0; i < keys; i++) {
      String key = in.string("the key of metadata entry " + i, GgufHeader.MAX_KEY_BYTES);
      if (key.isEmpty()) {
        throw new CheckpointException(file + ": metadata entry " + i + " has an empty key");
      }
      values.key = Excerpt.of(key);
      GgufValue value = values.value();
      if (metadata.put(key, value) != null) {
        throw new CheckpointException(
            file + ": the metadata key " + Excerpt.quoted(key) + " is there twice");
      }
    }
    return metadata;
  }

  private GgufValue value() {
    long type = in.uint32("the type of " + key);
    if (type == BOOL) {
      return new GgufValue.Flag(flag());
    }
    if (type == STRING) {
      return new GgufValue.Text(in.string(key, GgufCursor.MAX_STRING_BYTES));
    }
    if (type == ARRAY) {
      return list();
    }
    for (GgufValue.WholeType whole : GgufValue.WholeType.values()) {
      if (whole.number() == type) {
        return new GgufValue.Whole(whole, whole(whole));
      }
    }
    for (GgufValue.RealType real : GgufValue.RealType.values()) {
      if (real.number() == type) {
        return new GgufValue.Real(real, real(real));
      }
    }
    throw unknown(type);
  }

  private GgufValue list() {
    long type = in.uint32("the type of the entries of " + key);
    if (type == BOOL) {
      int count = count(1);
      List<Boolean> values = new ArrayList<>(count);
      for (int i = 0; i < count; i++) {
        values.add(flag());
      }
      return new GgufValue.Flags(values);
    }
    if (type == GgufValue.WholeType.INT32.number()) {
      int[] read = in.int32s(count(Integer.BYTES), key);
      long[] values = new long[read.length];
      for (int i = 0; i < read.length; i++) {
        values[i] = read[i];
      }
      return new GgufValue.Wholes(GgufValue.WholeType.INT32, values);
    }
    if (type == STRING) {
      return new GgufValue.Texts(
          in.texts(count(8), "an entry of " + key, GgufCursor.MAX_STRING_BYTES));
    }
    for (GgufValue.WholeType whole : GgufValue.WholeType.values()) {
      if (whole.number() == type) {
        long[] values = new long[count(whole.bytes())];
        for (int i = 0; i < values.length; i++) {
          values[i] = whole(whole);
        }
        return new GgufValue.Wholes(whole, values);
      }
    }
    for (GgufValue.RealType real : GgufValue.RealType.values()) {
      if (real.number() == type) {
        double[] values = new double[count(real.bytes())];
        for (int i = 0; i < values.length; i++) {
          values[i] = real(real);
        }
        return new GgufValue.Reals(real, values);
      }
    }
    throw unknown(type);
  }

  private int count(long bytesEach) {
    int count = in.count("entries of " + key, bytesEach, MAX_ELEMENTS - elements);
    elements += count;
    return count;
  }

  private boolean flag() {
    int value = in.uint8(key);
    if (value > 1) {
      throw in.broken("has %d for the truth value %s; it is damaged".formatted(value, key));
    }
    return value == 1;
  }

  private long whole(GgufValue.WholeType type) {
    long value =
        switch (type) {
          case UINT8 -> in.uint8(key);
          case INT8 -> (byte) in.uint8(key);
          case UINT16 -> in.uint16(key);
          case INT16 -> (short) in.uint16(key);
          case UINT32 -> in.uint32(key);
          case INT32 -> in.int32(key);
          case UINT64, INT64 -> in.int64(key);
        };
    if (type == GgufValue.WholeType.UINT64 && value < 0) {
      throw in.broken(
          "has %s for %s, more than can be counted; it is damaged"
              .formatted(Long.toUnsignedString(value), key));
    }
    return value;
  }

  private double real(GgufValue.RealType type) {
    return switch (type) {
      case FLOAT32 -> in.float32(key);
      case FLOAT64 -> in.float64(key);
    };
  }

  private CheckpointException unknown(long type) {
    return in.broken("has a value of the unknown type %d for %s".formatted(type, key));
  }
}
