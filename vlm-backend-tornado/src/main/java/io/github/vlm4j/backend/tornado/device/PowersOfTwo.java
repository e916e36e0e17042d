package io.github.vlm4j.backend.tornado.device;

import io.github.vlm4j.core.tensor.DType;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** A table on the device of what signs and exponents of f16 and bf16 mean. */
final class PowersOfTwo {

  private static final int HALVES = 64;
  private static final int BRAIN = 512;

  private final DeviceMemory memory;
  private @Nullable Region region;

  PowersOfTwo(DeviceMemory memory) {
    this.memory = memory;
  }

  /** Returns where the powers of f16 or bf16 lie, one for each sign and exponent; -1 for others. */
  int at(DType dtype) {
    synchronized (memory.monitor()) {
      Region table = region;
      if (table == null) {
        table = store();
        region = table;
      }
      return switch (dtype) {
        case F16 -> table.at();
        case BF16 -> table.at() + HALVES;
        default -> -1;
      };
    }
  }

  /** Returns how many values the mantissa of f16 or bf16 has; 1 for other types. */
  static int mantissas(DType dtype) {
    return switch (dtype) {
      case F16 -> 1 << 10;
      case BF16 -> 1 << 7;
      default -> 1;
    };
  }

  private Region store() {
    float[] table = new float[HALVES + BRAIN];
    for (int i = 0; i < HALVES; i++) {
      table[i] = power(i, HALVES / 2, 15);
    }
    for (int i = 0; i < BRAIN; i++) {
      table[HALVES + i] = power(i, BRAIN / 2, 127);
    }
    Region taken = memory.take(HeapKind.FLOATS, table.length, "A table of powers of two");
    memory.storeFloats(taken.at(), MemorySegment.ofArray(table), 0, table.length);
    return taken;
  }

  private static float power(int index, int exponents, int bias) {
    int exponent = index % exponents;
    if (exponent == exponents - 1) {
      return Float.NaN;
    }
    float magnitude = Math.scalb(1f, Math.max(1, exponent) - bias);
    return index < exponents ? magnitude : -magnitude;
  }
}
