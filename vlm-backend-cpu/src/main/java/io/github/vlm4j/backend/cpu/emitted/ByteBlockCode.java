package io.github.vlm4j.backend.cpu.emitted;

import io.github.vlm4j.core.tensor.DType;

/**
 * The code that decodes quantised blocks into groups of 32 signed bytes with a scale of f32 behind
 * them, in records of {@link Int8Code#INPUT_BYTES} whose last four bytes are left as they are.
 *
 * <p>Those of Q8_0 and Q4_0 are what the blocks hold. A group of Q4_K has a minimum beside its
 * scale, one of Q6_K has two scales, so that their numbers are rounded to 255 steps from minus to
 * plus the greatest that a group with such scales can hold.
 */
final class ByteBlockCode implements BlockRowCode.Block {

  private static final int RECORD = Int8Code.INPUT_BYTES;

  /** Where the scale of a record is. */
  private static final int SCALE = Int8Code.BLOCK;

  /** Groups of a block of Q4_K. */
  private static final int GROUPS = 8;

  /** Where on the stack scales of groups are: behind what {@link SixBits} stores there. */
  private static final int SCALES = 128;

  /** Where on the stack what the numbers of Q6_K are multiplied with is. */
  private static final int FACTORS = 192;

  /** A shuffle that brings the upper half of a vector to both halves. */
  private static final int UPPER_HALVES = 0xee;

  /** The same for the lower half. */
  private static final int LOWER_HALVES = 0x44;

  /** A shuffle that brings neighbours to each other's place. */
  private static final int NEIGHBOURS = 0xb1;

  /** The greatest number of a group becomes this. */
  private static final float GREATEST = 127;

  /** In a group of zeros the greatest number is taken to be this. */
  private static final float LEAST = 1e-30f;

  private static final Zmm NUMBERS = new Zmm(31);
  private static final Zmm BY_HALVES = new Zmm(30);
  private static final Zmm NIBBLES = new Zmm(29);
  private static final Zmm SIZE = new Zmm(22);

  /** The furthest that a number of Q4_K or Q6_K is from nothing, before it is scaled. */
  private static final Zmm FURTHEST = new Zmm(5);

  private final Assembler a;

  /** Creates what writes to an assembler. */
  ByteBlockCode(Assembler assembler) {
    this.a = assembler;
  }

  @Override
  public int groupBytes() {
    return RECORD;
  }

  @Override
  public void constants(DType type) {
    Lanes.set(a, NIBBLES, 0x0f0f0f0f);
    Lanes.set(a, SIZE, Integer.MAX_VALUE);
    switch (type) {
      case Q4_0 -> {
        Lanes.set(a, BY_HALVES, 0x0404040400000000L, 0);
        Lanes.set(a, NUMBERS, 0x08080808);
      }
      case Q4_K -> {
        Lanes.set(a, NUMBERS, 0x0706050403020100L, 0x0f0e0d0c0b0a0908L);
        a.op(Evex.VCVTDQ2PS, NUMBERS, NUMBERS);
        Lanes.set(a, BY_HALVES, 0, 0x0101010101010101L);
        for (int i = 0; i < 2 * GROUPS; i++) {
          Lanes.set(a, lane(i), i);
        }
      }
      case Q6_K -> SixBits.constants(a);
      default -> {}
    }
  }

  private static Zmm v(int number) {
    return new Zmm(number);
  }

  /** Where the index of a lane is kept, for vpermps. */
  private static Zmm lane(int index) {
    return v(6 + index);
  }

  @Override
  public void eightBits() {
    a.op(Evex.VMOVDQU8_YMM, v(1), Gpr.RDI.at(2));
    record(v(1));
  }

  @Override
  public void fourBits() {
    a.op(Evex.VBROADCASTI32X4_YMM, v(1), Gpr.RDI.at(2));
    a.op(Evex.VPSRLVD_YMM, v(1), v(1), BY_HALVES);
    a.op(Evex.VPANDD_YMM, v(1), v(1), NIBBLES);
    a.op(Evex.VPSUBB, v(1), v(1), NUMBERS);
    record(v(1));
  }

  /** Stores 32 bytes and the scale that the block begins with. */
  private void record(Zmm bytes) {
    a.op(Evex.VCVTPH2PS_XMM, v(0), Gpr.RDI.at());
    a.op(Evex.VMOVUPS_YMM_STORE, bytes, Gpr.R9.at());
    a.op(Vex.VMOVSS_STORE, v(0), Gpr.R9.at(SCALE));
  }

  /** A group's sixteen numbers are rounded once, and q picks from them. */
  @Override
  public void superFourBits() {
    SixBitScales.writeScaled(a, new Zmm(0), new Zmm(1), BY_HALVES);
    a.op(Evex.VSHUFI32X4, v(1), v(0), v(0), UPPER_HALVES);
    Lanes.set(a, FURTHEST, 15f);
    a.op(Evex.VMULPS, v(2), v(0), FURTHEST);
    a.op(Evex.VSUBPS, v(2), v(2), v(1));
    a.op(Evex.VPANDD, v(1), v(1), SIZE);
    a.op(Evex.VPANDD, v(2), v(2), SIZE);
    // Without their signs, floats are ordered as whole numbers are, and NaN is above all.
    a.op(Evex.VPMAXSD, v(1), v(1), v(2));
    a.op(Evex.VSHUFI32X4, v(1), v(1), v(1), LOWER_HALVES);
    scaleBy(v(1), v(2), v(3));
    a.op(Evex.VMULPS, v(0), v(0), v(2));
    for (int pair = 0; pair < GROUPS / 2; pair++) {
      a.op(Evex.VMOVDQU8_YMM, v(1), Gpr.RDI.at(16 + 32 * pair));
      a.shift(Evex.VPSRLD_YMM, v(2), v(1), 4);
      pick(v(1), 2 * pair);
      pick(v(2), 2 * pair + 1);
    }
  }

  private void pick(Zmm q, int group) {
    Zmm numbers = v(3);
    Zmm minimum = v(4);
    a.op(Evex.VPERMPS, numbers, lane(group), v(0));
    a.op(Evex.VPERMPS, minimum, lane(GROUPS + group), v(0));
    a.op(Evex.VFMSUB213PS, numbers, NUMBERS, minimum);
    a.op(Evex.VCVTPS2DQ, numbers, numbers);
    a.op(Evex.VPMOVSDB_STORE, numbers, Gpr.RSP.at(16 * group));
    a.op(Evex.VBROADCASTI32X4_YMM, numbers, Gpr.RSP.at(16 * group));
    a.op(Evex.VPANDD_YMM, q, q, NIBBLES);
    a.op(Evex.VPSHUFB_YMM, q, numbers, q);
    a.op(Evex.VMOVUPS_YMM_STORE, q, Gpr.R9.at(RECORD * group));
    copyScale(group, group);
  }

  /** Stores the scales of groups whose greatest numbers are known, and computes their inverses. */
  private void scaleBy(Zmm greatest, Zmm inverse, Zmm constant) {
    Lanes.set(a, constant, LEAST);
    a.op(Evex.VMAXPS, greatest, constant, greatest);
    Lanes.set(a, constant, GREATEST);
    a.op(Evex.VDIVPS, inverse, constant, greatest);
    a.op(Evex.VDIVPS, greatest, greatest, constant);
    a.op(Evex.VMOVUPS_STORE, greatest, Gpr.RSP.at(SCALES));
  }

  private void copyScale(int lane, int group) {
    a.movsxd(Gpr.RAX, Gpr.RSP.at(SCALES + Float.BYTES * lane));
    a.mov32(Gpr.R9.at(RECORD * group + SCALE), Gpr.RAX);
  }

  @Override
  public void superSixBits() {
    SixBits.scales(a);
    a.op(Evex.VPANDD, v(1), v(0), SIZE);
    a.op(Evex.VPSHUFD, v(2), v(1), NEIGHBOURS);
    a.op(Evex.VPMAXSD, v(1), v(1), v(2));
    Lanes.set(a, FURTHEST, 32f);
    a.op(Evex.VMULPS, v(1), v(1), FURTHEST);
    scaleBy(v(1), v(2), v(3));
    a.op(Evex.VMULPS, v(0), v(0), v(2));
    a.op(Evex.VMOVUPS_STORE, v(0), Gpr.RSP.at(FACTORS));
    for (int half = 0; half < 2; half++) {
      SixBits.half(a, half);
      for (int i = 0; i < GROUPS; i++) {
        Zmm numbers = v(6 + i);
        int group = 4 * half + i / 2;
        a.op(Evex.VPMOVSXBD, numbers, Gpr.RSP.at(16 * i));
        a.op(Evex.VCVTDQ2PS, numbers, numbers);
        Mem factor = Gpr.RSP.at(FACTORS + Float.BYTES * (GROUPS * half + i));
        a.broadcast(Evex.VMULPS, numbers, numbers, factor);
        a.op(Evex.VCVTPS2DQ, numbers, numbers);
        a.op(Evex.VPMOVSDB_STORE, numbers, Gpr.R9.at(RECORD * group + 16 * (i % 2)));
        if (i % 2 == 0) {
          copyScale(2 * group, group);
        }
      }
    }
  }
}
