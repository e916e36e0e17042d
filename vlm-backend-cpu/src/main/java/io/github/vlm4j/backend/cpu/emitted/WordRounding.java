package io.github.vlm4j.backend.cpu.emitted;

/**
 * Rounds a block of {@value WordCode#BLOCK} numbers to words, with AVX2. Within each 16, numbers
 * change their order in fours, which a product of two such rows does not notice.
 */
final class WordRounding {

  /** The first vectors hold the numbers, and then anything; two more are used. */
  static final int VECTORS = WordCode.BLOCK / BlockProductCode.LANES;

  /** Holds what the greatest number of a block becomes, in all lanes. */
  static final Zmm GREATEST = new Zmm(13);

  private static final Zmm SIZE = new Zmm(15);
  private static final Zmm LEAST_SIZE = new Zmm(14);
  private static final Zmm SCALE = new Zmm(VECTORS);
  private static final Zmm FACTOR = new Zmm(VECTORS + 1);

  /**
   * No block's greatest number is taken to be less: the number of steps over it is still finite.
   */
  private static final float LEAST = 2.5e-35f;

  private final Assembler a;

  /** Creates what writes to an assembler. */
  WordRounding(Assembler assembler) {
    this.a = assembler;
  }

  /** Sets the constants but for {@link #GREATEST}. Changes rax. */
  void begin() {
    YmmLanes.set(a, SIZE, Integer.MAX_VALUE);
    YmmLanes.set(a, LEAST_SIZE, LEAST);
  }

  /** Rounds the numbers and stores the block where a register points. */
  void round(Gpr to) {
    // Without their signs, floats are ordered as whole numbers are, and NaN is above all.
    a.op(Vex.VPAND, SCALE, new Zmm(0), SIZE);
    for (int i = 1; i < VECTORS; i++) {
      a.op(Vex.VPAND, FACTOR, new Zmm(i), SIZE);
      a.op(Vex.VPMAXSD, SCALE, SCALE, FACTOR);
    }
    Reduction.write(a, Vex.VPMAXSD, SCALE, FACTOR);
    a.op(Vex.VMAXPS, SCALE, LEAST_SIZE, SCALE);
    a.op(Vex.VDIVPS, FACTOR, GREATEST, SCALE);
    a.op(Vex.VDIVPS, SCALE, SCALE, GREATEST);
    for (int i = 0; i < VECTORS; i++) {
      a.op(Vex.VMULPS, new Zmm(i), new Zmm(i), FACTOR);
      a.op(Vex.VCVTPS2DQ, new Zmm(i), new Zmm(i));
    }
    for (int i = 0; i < VECTORS; i += 2) {
      a.op(Vex.VPACKSSDW, new Zmm(i), new Zmm(i), new Zmm(i + 1));
      a.op(Vex.VMOVUPS_STORE, new Zmm(i), to.at(BlockProductCode.LANES * Short.BYTES * i));
    }
    a.op(Vex.VMOVSS_STORE, SCALE, to.at(Short.BYTES * WordCode.BLOCK));
  }
}
