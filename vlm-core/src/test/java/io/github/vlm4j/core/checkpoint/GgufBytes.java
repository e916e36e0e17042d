package io.github.vlm4j.core.checkpoint;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** GGUF files made by hand, valid or not. */
final class GgufBytes {

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();

  /** Begins a file of version 3. */
  static GgufBytes of(long tensors, long keys) {
    return new GgufBytes().raw("GGUF").u32(3).u64(tensors).u64(keys);
  }

  GgufBytes raw(String text) {
    out.writeBytes(text.getBytes(StandardCharsets.UTF_8));
    return this;
  }

  GgufBytes bytes(int... values) {
    for (int value : values) {
      out.write(value);
    }
    return this;
  }

  GgufBytes u32(long value) {
    return bytes(ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt((int) value));
  }

  GgufBytes u64(long value) {
    return bytes(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(value));
  }

  private GgufBytes bytes(ByteBuffer buffer) {
    out.writeBytes(buffer.array());
    return this;
  }

  GgufBytes string(String text) {
    return u64(text.getBytes(StandardCharsets.UTF_8).length).raw(text);
  }

  /** Appends a tensor's entry; extents in the file's order, innermost first. */
  GgufBytes tensor(String name, int type, long offset, long... extents) {
    string(name).u32(extents.length);
    for (long extent : extents) {
      u64(extent);
    }
    return u32(type).u64(offset);
  }

  /** Appends zeros up to the default alignment, and then as many as there are to be. */
  byte[] data(int count) {
    while (out.size() % GgufHeader.DEFAULT_ALIGNMENT != 0) {
      out.write(0);
    }
    out.writeBytes(new byte[count]);
    return done();
  }

  byte[] done() {
    return out.toByteArray();
  }
}
