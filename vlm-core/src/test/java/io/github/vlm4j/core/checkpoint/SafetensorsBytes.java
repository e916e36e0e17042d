package io.github.vlm4j.core.checkpoint;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Safetensors files made by hand, valid or not. */
final class SafetensorsBytes {

  private SafetensorsBytes() {}

  /**
   * Returns a file of a header and zeroed data.
   *
   * @param header JSON with single quotes for double ones
   */
  static byte[] of(String header, int dataBytes) {
    byte[] json = json(header);
    return of(json.length, json, dataBytes);
  }

  /** Returns a file whose header length is stated apart from the header itself. */
  static byte[] of(long statedLength, byte[] header, int dataBytes) {
    return ByteBuffer.allocate(8 + header.length + dataBytes)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(statedLength)
        .put(header)
        .array();
  }

  static byte[] json(String header) {
    return header.replace('\'', '"').getBytes(StandardCharsets.UTF_8);
  }

  /** Returns the header entry of an f32 vector. */
  static String f32(String name, long begin, long elements) {
    return "'%s':{'dtype':'F32','shape':[%d],'data_offsets':[%d,%d]}"
        .formatted(name, elements, begin, begin + 4 * elements);
  }

  /** Copies a fixture into a folder and returns its path there. */
  static Path fixture(String name, Path folder) throws IOException {
    Path copy = folder.resolve(Path.of(name).getFileName());
    Files.write(copy, fixture(name));
    return copy;
  }

  static byte[] fixture(String name) throws IOException {
    try (InputStream in = SafetensorsBytes.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new IOException("No fixture " + name);
      }
      return in.readAllBytes();
    }
  }
}
