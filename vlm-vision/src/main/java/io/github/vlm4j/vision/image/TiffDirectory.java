package io.github.vlm4j.vision.image;

import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The first image file directory of a TIFF file or of an EXIF block (TIFF 6.0, section 2). Only the
 * numbers that this package asks for are kept; anything malformed counts as absent.
 */
final class TiffDirectory {

  private static final int SHORT = 3;
  private static final int LONG = 4;
  private static final int ENTRY_BYTES = 12;

  /** A count beyond this is not a list of strips or sample sizes but an attack on the memory. */
  private static final long MAX_VALUES = 1 << 20;

  private final Bytes file;
  private final ByteOrder order;
  private final Map<Integer, Entry> entries;

  private record Entry(int type, long count, long valueOffset) {}

  private TiffDirectory(Bytes file, ByteOrder order, Map<Integer, Entry> entries) {
    this.file = file;
    this.order = order;
    this.entries = entries;
  }

  static Optional<TiffDirectory> first(Bytes file) {
    ByteOrder order;
    if (file.startsWith(0, "II*\0")) {
      order = ByteOrder.LITTLE_ENDIAN;
    } else if (file.startsWith(0, "MM\0*")) {
      order = ByteOrder.BIG_ENDIAN;
    } else {
      return Optional.empty();
    }
    try {
      long at = file.u32(4, order);
      int count = file.u16(at, order);
      Map<Integer, Entry> entries = new HashMap<>();
      for (int i = 0; i < count; i++) {
        long entry = at + 2 + (long) i * ENTRY_BYTES;
        entries.putIfAbsent(
            file.u16(entry, order),
            new Entry(file.u16(entry + 2, order), file.u32(entry + 4, order), entry + 8));
      }
      return Optional.of(new TiffDirectory(file, order, entries));
    } catch (UnreadableImageException e) {
      return Optional.empty();
    }
  }

  /** The single unsigned number (or the first of several) under a tag. */
  OptionalInt value(int tag) {
    long[] values = values(tag);
    return values.length == 0 || values[0] > Integer.MAX_VALUE
        ? OptionalInt.empty()
        : OptionalInt.of((int) values[0]);
  }

  /**
   * All unsigned numbers under a tag; empty if the tag is absent, of another type or unreadable.
   */
  long[] values(int tag) {
    Entry entry = entries.get(tag);
    if (entry == null || entry.count > MAX_VALUES || (entry.type != SHORT && entry.type != LONG)) {
      return new long[0];
    }
    int size = entry.type == SHORT ? 2 : 4;
    try {
      long at = entry.count * size <= 4 ? entry.valueOffset : file.u32(entry.valueOffset, order);
      file.slice(at, entry.count * size);
      long[] values = new long[(int) entry.count];
      for (int i = 0; i < values.length; i++) {
        long offset = at + (long) i * size;
        values[i] = entry.type == SHORT ? file.u16(offset, order) : file.u32(offset, order);
      }
      return values;
    } catch (UnreadableImageException e) {
      return new long[0];
    }
  }

  /** The bytes under a tag, whatever their type; empty if unreadable. */
  Bytes bytes(int tag) {
    Entry entry = entries.get(tag);
    try {
      return entry == null || entry.count <= 4
          ? Bytes.EMPTY
          : file.slice(file.u32(entry.valueOffset, order), entry.count);
    } catch (UnreadableImageException e) {
      return Bytes.EMPTY;
    }
  }

  /** The largest of the numbers under a tag, or the given default. */
  long max(int tag, long defaultValue) {
    return Arrays.stream(values(tag)).max().orElse(defaultValue);
  }
}
