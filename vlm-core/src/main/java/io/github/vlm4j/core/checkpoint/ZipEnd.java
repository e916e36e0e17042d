package io.github.vlm4j.core.checkpoint;

import io.github.vlm4j.core.CheckpointException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;

/**
 * The records at the end of a zip file, which say where its directory is.
 *
 * @param entries how many entries the directory has
 * @param directoryOffset where the directory begins in the file
 * @param directoryBytes how many bytes it takes
 */
record ZipEnd(long entries, long directoryOffset, long directoryBytes) {

  private static final int SIGNATURE = 0x06054b50;
  private static final int ZIP64_SIGNATURE = 0x06064b50;
  private static final int LOCATOR_SIGNATURE = 0x07064b50;
  private static final int BYTES = 22;
  private static final int ZIP64_BYTES = 56;
  private static final int LOCATOR_BYTES = 20;
  private static final int MAX_COMMENT_BYTES = 0xffff;
  private static final int SATURATED_16 = 0xffff;
  private static final long SATURATED_32 = 0xffffffffL;

  /**
   * Finds and validates the records.
   *
   * @param file the name for error messages
   */
  static ZipEnd find(String file, FileChannel channel) throws IOException {
    long size = channel.size();
    int tailBytes = (int) Math.min(size, BYTES + MAX_COMMENT_BYTES);
    ByteBuffer tail = ZipDirectory.bytes(file, channel, size - tailBytes, tailBytes);
    for (int at = tailBytes - BYTES; at >= 0; at--) {
      if (tail.getInt(at) == SIGNATURE && u16(tail, at + 20) == tailBytes - at - BYTES) {
        return at(file, channel, size - tailBytes + at, tail.slice(at, BYTES).order(tail.order()));
      }
    }
    throw new CheckpointException(
        file + " begins as a zip file, but has no zip directory at its end; it is truncated");
  }

  private static ZipEnd at(String file, FileChannel channel, long position, ByteBuffer record)
      throws IOException {
    int disk = u16(record, 4);
    int directoryDisk = u16(record, 6);
    int onThisDisk = u16(record, 8);
    ZipEnd end = new ZipEnd(u16(record, 10), u32(record, 16), u32(record, 12));
    if (disk != 0 || directoryDisk != 0 || onThisDisk != end.entries) {
      throw new CheckpointException(file + " is one part of a zip file in several parts");
    }
    if (position >= LOCATOR_BYTES) {
      ByteBuffer locator =
          ZipDirectory.bytes(file, channel, position - LOCATOR_BYTES, LOCATOR_BYTES);
      if (locator.getInt(0) == LOCATOR_SIGNATURE) {
        return zip64(file, channel, position - LOCATOR_BYTES, locator.getLong(8), end);
      }
    }
    return end.endingAt(file, position);
  }

  private static ZipEnd zip64(
      String file, FileChannel channel, long locator, long position, ZipEnd small)
      throws IOException {
    if (position < 0 || position > locator - ZIP64_BYTES) {
      throw new CheckpointException(
          file + ": the zip64 record is not where its locator says; the file is damaged");
    }
    ByteBuffer record = ZipDirectory.bytes(file, channel, position, ZIP64_BYTES);
    ZipEnd end = new ZipEnd(record.getLong(32), record.getLong(48), record.getLong(40));
    if (record.getInt(0) != ZIP64_SIGNATURE
        || record.getLong(4) != locator - position - 12
        || record.getInt(16) != 0
        || record.getInt(20) != 0
        || record.getLong(24) != end.entries
        || (small.entries != end.entries && small.entries != SATURATED_16)
        || (small.directoryOffset != end.directoryOffset && small.directoryOffset != SATURATED_32)
        || (small.directoryBytes != end.directoryBytes && small.directoryBytes != SATURATED_32)) {
      throw new CheckpointException(
          file + ": the two records at the end contradict each other; the file is damaged");
    }
    return end.endingAt(file, position);
  }

  private ZipEnd endingAt(String file, long position) {
    if (entries < 0
        || directoryOffset < 0
        || directoryBytes < 0
        || directoryOffset > position
        || directoryBytes != position - directoryOffset) {
      throw new CheckpointException(
          file
              + ": the zip directory is said to take "
              + directoryBytes
              + " bytes from byte "
              + directoryOffset
              + ", but its end is at byte "
              + position
              + "; the file is damaged or truncated");
    }
    return this;
  }

  private static int u16(ByteBuffer in, int at) {
    return Short.toUnsignedInt(in.getShort(at));
  }

  private static long u32(ByteBuffer in, int at) {
    return Integer.toUnsignedLong(in.getInt(at));
  }
}
