package io.github.vlm4j.core.checkpoint;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/** Pickles, and PyTorch files around them, that are made by hand. */
final class PickleBombs {

  private PickleBombs() {}

  /** Returns a pickle that begins in one way, goes on in another, over and over, and stops. */
  static byte[] repeated(String head, String body, int times) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(latin("\u0080\u0002" + head));
    byte[] step = latin(body);
    for (int i = 0; i < times; i++) {
      out.writeBytes(step);
    }
    out.write('.');
    return out.toByteArray();
  }

  static byte[] latin(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  /** Returns an archive of stored files. */
  static byte[] stored(Map<String, byte[]> files) {
    return zip(files, ZipEntry.STORED);
  }

  /** Returns an archive of a deflated pickle alone. */
  static byte[] deflated(byte[] pickle) {
    return zip(Map.of("m/data.pkl", pickle), ZipEntry.DEFLATED);
  }

  private static byte[] zip(Map<String, byte[]> files, int method) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(out)) {
      for (Map.Entry<String, byte[]> file : files.entrySet()) {
        ZipEntry entry = new ZipEntry(file.getKey());
        entry.setMethod(method);
        CRC32 crc = new CRC32();
        crc.update(file.getValue());
        entry.setCrc(crc.getValue());
        entry.setSize(file.getValue().length);
        zip.putNextEntry(entry);
        zip.write(file.getValue());
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return out.toByteArray();
  }
}
