package io.github.vlm4j.backend.cpu.emitted;

/**
 * Rounds 32 inputs to signed bytes, with AVX2: the largest becomes 127. Registers 0 to 4 and those
 * named here are used, rax and the memory that is lent for a constant.
 */
final class ByteRounding {

  /** Holds the rounded inputs. */
  static final Zmm BYTES = new Zmm(0);

  /** Holds what a byte stands for, in all lanes. */
  static final Zmm SCALE = new Zmm(4);

  private static final Zmm FACTOR = new Zmm(5);
  private static final Zmm ORDER = new Zmm(9);
  private static final Zmm LEAST = new Zmm(10);
  private static final Zmm SHARE = new Zmm(11);
  private static final Zmm GREATEST = new Zmm(12);
  private static final Zmm SIZE = new Zmm(14);

  private static final int VECTORS = 4;

  private final Assembler a;

  /** Creates what writes to an assembler. */
  ByteRounding(Assembler assembler) {
    this.a = assembler;
  }

  /**
   * Sets the constants.
   *
   * @param lent eight bytes of memory
   */
  void begin(Mem lent) {
    YmmLanes.set(a, SIZE, Integer.MAX_VALUE);
    YmmLanes.set(a, GREATEST, 127f);
    YmmLanes.set(a, SHARE, 1 / 127f);
    YmmLanes.set(a, LEAST, 1e-30f);
    // Packing treats halves of a vector apart: their quarters have to be put in order.
    YmmLanes.set(a, ORDER, 0x07_03_06_02_05_01_04_00L, lent);
  }

  /** Rounds the inputs that a register points at. */
  void round(Gpr inputs) {
    for (int i = 0; i < VECTORS; i++) {
      a.op(Vex.VMOVUPS, new Zmm(i), inputs.at(32 * i));
    }
    // Without their signs, floats are ordered as whole numbers are, and NaN is above all.
    a.op(Vex.VPAND, SCALE, new Zmm(0), SIZE);
    for (int i = 1; i < VECTORS; i++) {
      a.op(Vex.VPAND, FACTOR, new Zmm(i), SIZE);
      a.op(Vex.VPMAXSD, SCALE, SCALE, FACTOR);
    }
    Reduction.write(a, Vex.VPMAXSD, SCALE, FACTOR);
    a.op(Vex.VMAXPS, FACTOR, LEAST, SCALE);
    a.op(Vex.VMULPS, SCALE, SCALE, SHARE);
    a.op(Vex.VDIVPS, FACTOR, GREATEST, FACTOR);
    for (int i = 0; i < VECTORS; i++) {
      a.op(Vex.VMULPS, new Zmm(i), new Zmm(i), FACTOR);
      a.op(Vex.VCVTPS2DQ, new Zmm(i), new Zmm(i));
    }
    a.op(Vex.VPACKSSDW, new Zmm(0), new Zmm(0), new Zmm(1));
    a.op(Vex.VPACKSSDW, new Zmm(2), new Zmm(2), new Zmm(3));
    a.op(Vex.VPACKSSWB, BYTES, new Zmm(0), new Zmm(2));
    a.op(Vex.VPERMD, BYTES, ORDER, BYTES);
  }
}
