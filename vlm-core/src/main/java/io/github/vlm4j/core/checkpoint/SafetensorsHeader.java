package io.github.vlm4j.core.checkpoint;

import com.fasterxml.jackson.core.JsonParser;
import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.tensor.Shape;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The validated table of contents of a safetensors file. The rules are those of {@code
 * read_metadata} and {@code Metadata::validate} in the reference implementation's {@code
 * safetensors/src/tensor.rs}; beyond them, repeated names, unknown fields, unpaired surrogates and
 * absurd counts are refused.
 *
 * @param dataOffset where the tensors' bytes begin in the file
 * @param dataBytes how many bytes the tensors take together, up to the end of the file
 * @param metadata the free-form text map
 * @param entries the tensors by name, in the order of their bytes
 */
record SafetensorsHeader(
    long dataOffset,
    long dataBytes,
    Map<String, String> metadata,
    Map<String, SafetensorsHeader.Entry> entries) {

  /** The bytes before the header: its length, unsigned and little-endian. */
  static final int LENGTH_BYTES = 8;

  static final int MAX_HEADER_BYTES = 100_000_000;
  static final int MAX_RANK = 8;
  static final String METADATA = "__metadata__";

  /** Far above what files hold (a big mixture of experts has some 100,000), to bound the heap. */
  static final int MAX_TENSORS = 1 << 18;

  static final int MAX_METADATA_ENTRIES = 1 << 16;

  /**
   * A tensor of the file.
   *
   * @param begin the first byte, counted from the beginning of the data
   * @param end one past the last byte
   */
  record Entry(String name, StoredType type, Shape shape, long begin, long end) {

    /** Returns type and shape, as {@code BF16[2048, 6144]}. */
    String describe() {
      return type + shape.toString();
    }
  }

  /**
   * Reads and validates the header.
   *
   * @param file the name for error messages
   * @throws CheckpointException if the file is not what the format allows
   */
  static SafetensorsHeader read(String file, FileChannel channel) throws IOException {
    long size = channel.size();
    if (size < LENGTH_BYTES) {
      throw new CheckpointException(
          file
              + " has "
              + size
              + " bytes, but a safetensors file begins with "
              + LENGTH_BYTES
              + " bytes of header length; it is empty or truncated");
    }
    ByteBuffer start = ByteBuffer.allocate(LENGTH_BYTES + 1).order(ByteOrder.LITTLE_ENDIAN);
    int read;
    do {
      read = channel.read(start, start.position());
    } while (read >= 0 && start.hasRemaining());
    long length = start.getLong(0);
    if (length < 0 || length > MAX_HEADER_BYTES) {
      throw new CheckpointException(
          file
              + " claims a header of "
              + Long.toUnsignedString(length)
              + " bytes, but at most "
              + MAX_HEADER_BYTES
              + " are allowed; it is damaged or not a safetensors file");
    }
    if (length > size - LENGTH_BYTES) {
      throw new CheckpointException(
          file
              + " claims a header of "
              + length
              + " bytes, but only "
              + (size - LENGTH_BYTES)
              + " follow; it is truncated or not a safetensors file");
    }
    if (length == 0 || start.get(LENGTH_BYTES) != '{') {
      throw new CheckpointException(
          file
              + ": the header of "
              + length
              + " bytes does not begin with '{'; it is damaged or not a safetensors file");
    }
    long dataOffset = LENGTH_BYTES + length;
    SafetensorsHeaderParser parsed = new SafetensorsHeaderParser(file);
    try (JsonParser parser =
        StrictJson.factory(Long.MAX_VALUE)
            .createParser(StrictJson.utf8(new Range(channel, LENGTH_BYTES, dataOffset)))) {
      parsed.document(parser);
    } catch (IOException e) {
      throw new CheckpointException(file + ": the header " + StrictJson.problem(e), e);
    }
    return new SafetensorsHeader(
        dataOffset,
        size - dataOffset,
        Collections.unmodifiableMap(parsed.metadata()),
        Collections.unmodifiableMap(inOrder(file, parsed.tensors(), size - dataOffset)));
  }

  private static Map<String, Entry> inOrder(
      String file, Map<String, Entry> tensors, long dataBytes) {
    List<Entry> sorted = new ArrayList<>(tensors.values());
    sorted.sort(Comparator.comparingLong(Entry::begin).thenComparingLong(Entry::end));
    Map<String, Entry> entries = LinkedHashMap.newLinkedHashMap(sorted.size());
    @Nullable Entry previous = null;
    for (Entry entry : sorted) {
      requireContiguous(file, previous, entry);
      requireSize(file, entry);
      entries.put(entry.name, entry);
      previous = entry;
    }
    long end = previous == null ? 0 : previous.end;
    if (end != dataBytes) {
      throw new CheckpointException(
          file
              + ": the tensors end at byte "
              + end
              + " of the data, but the file has "
              + dataBytes
              + " bytes of data; it is "
              + (end > dataBytes ? "truncated" : "damaged"));
    }
    return entries;
  }

  private static void requireContiguous(String file, @Nullable Entry previous, Entry entry) {
    long expected = previous == null ? 0 : previous.end;
    if (entry.begin == expected) {
      return;
    }
    String before =
        previous == null
            ? "nothing lies before it"
            : "tensor " + Excerpt.quoted(previous.name) + " before it ends at byte " + expected;
    throw new CheckpointException(
        tensor(file, entry.name)
            + " begins at byte "
            + entry.begin
            + ", but "
            + before
            + ": "
            + (entry.begin > expected
                ? (entry.begin - expected) + " bytes belong to no tensor"
                : (expected - entry.begin) + " bytes overlap"));
  }

  private static void requireSize(String file, Entry entry) {
    long bits;
    try {
      bits = Math.multiplyExact(entry.shape.elements(), (long) entry.type.bits());
    } catch (ArithmeticException e) {
      throw new CheckpointException(
          tensor(file, entry.name)
              + " of "
              + entry.describe()
              + " has more bytes than can be"
              + " counted",
          e);
    }
    if (bits % 8 != 0) {
      throw new CheckpointException(
          tensor(file, entry.name)
              + " of "
              + entry.describe()
              + " takes "
              + bits
              + " bits, which are not whole bytes");
    }
    if (entry.end - entry.begin != bits / 8) {
      throw new CheckpointException(
          tensor(file, entry.name)
              + " of "
              + entry.describe()
              + " takes "
              + bits / 8
              + " bytes, but its data_offsets ["
              + entry.begin
              + ", "
              + entry.end
              + "] span "
              + (entry.end - entry.begin));
    }
  }

  static String tensor(String file, String name) {
    return file + ": tensor " + Excerpt.quoted(name);
  }

  /** The bytes of a channel from one position to another. */
  private static final class Range extends InputStream {

    private final FileChannel channel;
    private final long end;
    private long position;

    Range(FileChannel channel, long begin, long end) {
      this.channel = channel;
      this.position = begin;
      this.end = end;
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
      if (position == end) {
        return -1;
      }
      int wanted = (int) Math.min(length, end - position);
      int count = channel.read(ByteBuffer.wrap(target, offset, wanted), position);
      position += Math.max(count, 0);
      return count;
    }
  }
}
