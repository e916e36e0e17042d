package io.github.vlm4j.backend.cpu.emitted;

import org.jspecify.annotations.Nullable;

/**
 * An operand in memory: {@code base + scale · index + bytes}.
 *
 * @param base a register that holds an address
 * @param index a register other than the stack pointer, or null
 * @param scale 1, 2, 4 or 8
 * @param bytes the displacement
 */
record Mem(Gpr base, @Nullable Gpr index, int scale, int bytes) {

  /** Checks what no instruction could say. */
  Mem {
    if (index == Gpr.RSP || Integer.bitCount(scale) != 1 || scale < 1 || scale > 8) {
      throw new IllegalArgumentException("No instruction addresses " + scale + " times " + index);
    }
  }

  /** Returns the memory some bytes further on. */
  Mem plus(int more) {
    return new Mem(base, index, scale, Math.addExact(bytes, more));
  }
}
