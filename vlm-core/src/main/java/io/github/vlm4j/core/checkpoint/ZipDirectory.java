package io.github.vlm4j.core.checkpoint;

import io.github.vlm4j.core.CheckpointException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

/**
 * The validated table of contents of a zip file: where the bytes of each entry are, so that they
 * can be mapped. Java's own readers say only what the bytes are.
 *
 * <p>Checksums are not compared, as that would read the whole file; torch can be told not to write
 * them.
 *
 * @param entries the entries by name, in the order of the directory
 * @see <a href="https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT">The format</a>
 */
record ZipDirectory(Map<String, ZipDirectory.Entry> entries) {

  /** The signature at the beginning of every zip file that is not empty. */
  static final int LOCAL_SIGNATURE = 0x04034b50;

  private static final int CENTRAL_SIGNATURE = 0x02014b50;
  private static final int LOCAL_BYTES = 30;
  private static final int CENTRAL_BYTES = 46;
  private static final int ZIP64_EXTRA = 1;
  private static final int MAX_ENTRIES = 1 << 19;
  private static final int MAX_DIRECTORY_BYTES = 128 << 20;
  private static final int STORED = 0;
  private static final int DEFLATED = 8;
  private static final int ENCRYPTED = 1 | 1 << 6 | 1 << 13;
  private static final int SIZES_FOLLOW = 1 << 3;
  private static final long SATURATED = 0xffffffffL;

  /**
   * A file of the archive.
   *
   * @param method how it is compressed: 0 for not at all, 8 for deflated
   * @param header where its local header begins in the file
   * @param offset where its bytes begin in the file
   * @param packed how many bytes it takes in the file
   * @param size how many bytes it has
   */
  record Entry(String name, int method, long header, long offset, long packed, long size) {

    boolean isStored() {
      return method == STORED;
    }
  }

  /**
   * Reads and validates the directory and the local header of every entry.
   *
   * @param file the name for error messages
   * @throws CheckpointException if the file is not a zip file, or one whose headers contradict each
   *     other, overlap, or reach outside
   */
  static ZipDirectory read(String file, FileChannel channel) throws IOException {
    ZipEnd end = ZipEnd.find(file, channel);
    if (end.directoryBytes() > MAX_DIRECTORY_BYTES
        || end.entries() > MAX_ENTRIES
        || end.entries() > end.directoryBytes() / CENTRAL_BYTES) {
      throw new CheckpointException(
          file
              + " claims a zip directory of "
              + end.entries()
              + " entries in "
              + end.directoryBytes()
              + " bytes; it is damaged, or has more than the "
              + MAX_ENTRIES
              + " that are read");
    }
    ByteBuffer directory = bytes(file, channel, end.directoryOffset(), (int) end.directoryBytes());
    Map<String, Entry> entries = LinkedHashMap.newLinkedHashMap((int) end.entries());
    for (long i = 0; i < end.entries(); i++) {
      Entry entry = entry(file, channel, directory, end.directoryOffset());
      if (entries.put(entry.name, entry) != null) {
        throw refused(file, entry.name, "is in the zip directory twice");
      }
    }
    if (directory.hasRemaining()) {
      throw new CheckpointException(
          file
              + ": the zip directory has "
              + directory.remaining()
              + " bytes more than its "
              + end.entries()
              + " entries; it is damaged");
    }
    requireDisjoint(file, entries.values());
    return new ZipDirectory(Collections.unmodifiableMap(entries));
  }

  /** Reads bytes, all of which must be there. */
  static ByteBuffer bytes(String file, FileChannel channel, long offset, int length)
      throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
    while (buffer.hasRemaining()) {
      if (channel.read(buffer, offset + buffer.position()) < 0) {
        throw new CheckpointException(
            file + " ends before byte " + (offset + length) + "; it is truncated");
      }
    }
    return buffer.flip();
  }

  /**
   * Returns an entry's content.
   *
   * @param most how many bytes it may have
   * @throws CheckpointException if it has more, is compressed in another way than deflated, or does
   *     not have the size that it claims
   */
  static byte[] content(String file, FileChannel channel, Entry entry, int most)
      throws IOException {
    if (entry.size > most || entry.packed > most) {
      throw refused(
          file,
          entry.name,
          "claims "
              + entry.size
              + " bytes in "
              + entry.packed
              + ", but at most "
              + most
              + " are read");
    }
    byte[] packed = new byte[(int) entry.packed];
    bytes(file, channel, entry.offset, packed.length).get(packed);
    return switch (entry.method) {
      case STORED -> packed;
      case DEFLATED -> inflate(file, entry, packed);
      default -> throw refused(file, entry.name, "is compressed in a way that is not supported");
    };
  }

  static CheckpointException refused(String file, String name, String problem) {
    return new CheckpointException(file + ": entry " + Excerpt.quoted(name) + " " + problem);
  }

  private static byte[] inflate(String file, Entry entry, byte[] packed) {
    ByteArrayOutputStream content = new ByteArrayOutputStream();
    byte[] chunk = new byte[1 << 14];
    try (Inflater inflater = new Inflater(true)) {
      inflater.setInput(packed);
      // One byte more than claimed is enough to see that the claim is wrong.
      while (!inflater.finished() && content.size() <= entry.size) {
        int count = inflater.inflate(chunk);
        if (count == 0 && !inflater.finished()) {
          break;
        }
        content.write(chunk, 0, count);
      }
      if (inflater.finished() && content.size() == entry.size) {
        return content.toByteArray();
      }
      throw refused(
          file,
          entry.name,
          "does not inflate to the " + entry.size + " bytes that it claims; it is damaged");
    } catch (DataFormatException e) {
      throw new CheckpointException(
          refused(file, entry.name, "is not valid deflated data").getMessage(), e);
    }
  }

  private static Entry entry(String file, FileChannel channel, ByteBuffer in, long limit)
      throws IOException {
    if (in.remaining() < CENTRAL_BYTES || in.getInt() != CENTRAL_SIGNATURE) {
      throw new CheckpointException(
          file + ": the zip directory does not hold the entries that it claims; it is damaged");
    }
    in.getInt();
    int flags = u16(in);
    int method = u16(in);
    in.getLong();
    long packed = u32(in);
    long size = u32(in);
    int nameBytes = u16(in);
    int extraBytes = u16(in);
    int commentBytes = u16(in);
    int disk = u16(in);
    in.position(in.position() + 6);
    long header = u32(in);
    if (in.remaining() < nameBytes + extraBytes + commentBytes) {
      throw new CheckpointException(file + ": the zip directory is cut off; it is damaged");
    }
    ByteBuffer rawName = in.slice(in.position(), nameBytes);
    String name = name(file, rawName);
    in.position(in.position() + nameBytes);
    ByteBuffer extra = in.slice(in.position(), extraBytes).order(ByteOrder.LITTLE_ENDIAN);
    in.position(in.position() + extraBytes + commentBytes);
    if (size == SATURATED || packed == SATURATED || header == SATURATED) {
      ByteBuffer large = zip64(file, name, extra);
      size = size == SATURATED ? large(file, name, large) : size;
      packed = packed == SATURATED ? large(file, name, large) : packed;
      header = header == SATURATED ? large(file, name, large) : header;
    }
    if ((flags & ENCRYPTED) != 0 || disk != 0) {
      throw refused(file, name, "is encrypted or in another file");
    }
    if (method == STORED && packed != size) {
      throw refused(
          file, name, "is not compressed, but claims " + packed + " bytes for its " + size);
    }
    Entry entry = new Entry(name, method, header, -1, packed, size);
    return new Entry(
        name, method, header, offset(file, channel, entry, flags, rawName, limit), packed, size);
  }

  /**
   * Holds the local header against the directory and returns where the data begin.
   *
   * @param limit where the directory begins, before which all entries must end
   */
  private static long offset(
      String file, FileChannel channel, Entry entry, int flags, ByteBuffer rawName, long limit)
      throws IOException {
    int fixed = LOCAL_BYTES + rawName.capacity();
    if (entry.header > limit - fixed) {
      throw refused(
          file,
          entry.name,
          "is said to begin at byte " + entry.header + " of " + limit + "; it is damaged");
    }
    ByteBuffer in = bytes(file, channel, entry.header, fixed);
    if (in.getInt() != LOCAL_SIGNATURE) {
      throw refused(file, entry.name, "does not begin where the zip directory says; it is damaged");
    }
    in.getShort();
    int localFlags = u16(in);
    int method = u16(in);
    in.getLong();
    long packed = u32(in);
    long size = u32(in);
    int nameBytes = u16(in);
    int extraBytes = u16(in);
    boolean sizesFollow = (flags & SIZES_FOLLOW) != 0;
    if (localFlags != flags
        || method != entry.method
        || nameBytes != rawName.capacity()
        || !in.slice().equals(rawName)
        || !agrees(packed, entry.packed, sizesFollow)
        || !agrees(size, entry.size, sizesFollow)) {
      throw refused(file, entry.name, "contradicts the zip directory; it is damaged");
    }
    if (packed == SATURATED || size == SATURATED) {
      ByteBuffer extra = bytes(file, channel, entry.header + fixed, extraBytes);
      ByteBuffer large = zip64(file, entry.name, extra);
      if ((size == SATURATED && !agrees(large(file, entry.name, large), entry.size, sizesFollow))
          || (packed == SATURATED
              && !agrees(large(file, entry.name, large), entry.packed, sizesFollow))) {
        throw refused(file, entry.name, "contradicts the zip directory; it is damaged");
      }
    }
    long offset = entry.header + fixed + extraBytes;
    if (entry.packed > limit - offset) {
      throw refused(
          file,
          entry.name,
          "claims "
              + entry.packed
              + " bytes from byte "
              + offset
              + " of "
              + limit
              + "; it is damaged or truncated");
    }
    return offset;
  }

  /** A size that is written after the data may be left out of the local header. */
  private static boolean agrees(long local, long central, boolean sizesFollow) {
    return local == central || local == SATURATED || (sizesFollow && local == 0);
  }

  private static ByteBuffer zip64(String file, String name, ByteBuffer extra) {
    while (extra.remaining() >= 4) {
      int id = u16(extra);
      int length = u16(extra);
      if (length > extra.remaining()) {
        break;
      }
      if (id == ZIP64_EXTRA) {
        return extra.slice(extra.position(), length).order(ByteOrder.LITTLE_ENDIAN);
      }
      extra.position(extra.position() + length);
    }
    throw refused(file, name, "lacks the 64-bit sizes that it refers to; it is damaged");
  }

  private static long large(String file, String name, ByteBuffer in) {
    long value = in.remaining() < Long.BYTES ? -1 : in.getLong();
    if (value < 0) {
      throw refused(file, name, "has 64-bit sizes that make no sense; it is damaged");
    }
    return value;
  }

  private static String name(String file, ByteBuffer raw) {
    String name;
    try {
      name =
          StandardCharsets.UTF_8
              .newDecoder()
              .onMalformedInput(CodingErrorAction.REPORT)
              .decode(raw.duplicate())
              .toString();
    } catch (CharacterCodingException e) {
      throw new CheckpointException(file + " has an entry whose name is not valid UTF-8", e);
    }
    boolean plain =
        !name.isEmpty()
            && name.chars().noneMatch(c -> c < ' ' || c == '\\')
            && !(name.length() > 1 && name.charAt(1) == ':');
    String[] parts = name.split("/", -1);
    for (int i = 0; i < parts.length && plain; i++) {
      boolean folder = i > 0 && i == parts.length - 1 && parts[i].isEmpty();
      plain = folder || !(parts[i].isEmpty() || parts[i].equals(".") || parts[i].equals(".."));
    }
    if (!plain) {
      throw refused(file, name, "has a name that could lead out of its folder");
    }
    return name;
  }

  private static void requireDisjoint(String file, Iterable<Entry> entries) {
    List<Entry> sorted = new ArrayList<>();
    entries.forEach(sorted::add);
    sorted.sort(Comparator.comparingLong(Entry::header));
    for (int i = 1; i < sorted.size(); i++) {
      Entry before = sorted.get(i - 1);
      Entry entry = sorted.get(i);
      if (entry.header < before.offset + before.packed) {
        throw refused(
            file, entry.name, "overlaps entry " + Excerpt.quoted(before.name) + "; it is damaged");
      }
    }
  }

  private static int u16(ByteBuffer in) {
    return Short.toUnsignedInt(in.getShort());
  }

  private static long u32(ByteBuffer in) {
    return Integer.toUnsignedLong(in.getInt());
  }
}
