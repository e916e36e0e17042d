package io.github.vlm4j.backend.tornado.device;

/** What a heap of the device holds. */
enum HeapKind {
  /** f32: activations, caches, small parameters, scales of blocks. */
  FLOATS(4),
  /** The bits of f16 and bf16 parameters. */
  SHORTS(2),
  /** Bytes of parameters in blocks. */
  BYTES(1),
  /** Ids and tables. */
  INTS(4);

  private final int bytes;

  HeapKind(int bytes) {
    this.bytes = bytes;
  }

  /** Returns the bytes of one element. */
  int bytes() {
    return bytes;
  }
}
