package io.github.vlm4j.backend.cpu.emitted;

/** A general-purpose register of 64 bits; its ordinal is the number that instructions hold. */
enum Gpr {
  RAX,
  RCX,
  RDX,
  RBX,
  RSP,
  RBP,
  RSI,
  RDI,
  R8,
  R9,
  R10,
  R11,
  R12,
  R13,
  R14,
  R15;

  /** Returns the memory at the address in this register. */
  Mem at() {
    return at(0);
  }

  /** Returns the memory some bytes after the address in this register. */
  Mem at(int bytes) {
    return new Mem(this, null, 1, bytes);
  }

  /** Returns the memory at this register plus {@code scale} times another. */
  Mem plus(Gpr index, int scale) {
    return new Mem(this, index, scale, 0);
  }
}
