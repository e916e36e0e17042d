package io.github.vlm4j.backend.cpu.emitted;

import io.github.vlm4j.core.tensor.DType;

/**
 * The code that decodes quantised blocks and rounds what they stand for to the nearest bf16 (ties
 * to even, subnormal numbers to 0). The numbers before they are rounded are those of {@link
 * io.github.vlm4j.core.quant.BlockCodec} to the bit: products of an f16, of a scale and of q fit
 * the 24 bits of an f32, so that neither their order nor a fused subtraction changes anything.
 *
 * <p>Where q has four bits, a group's sixteen numbers are computed and rounded once, and q picks
 * from them.
 */
final class Bf16BlockCode implements BlockRowCode.Block {

  private static final int VECTOR_BYTES = 64;

  /** Where on the stack the scales of a block of Q6_K are. */
  private static final int SCALES = 2 * VECTOR_BYTES;

  /** Groups of a block of Q4_K, each with a scale and a minimum. */
  private static final int GROUPS = 8;

  private static final Zmm NUMBERS = new Zmm(31);
  private static final Zmm BY_HALVES = new Zmm(30);
  private static final Zmm UPPER_HALF = new Zmm(29);

  private final Assembler a;

  /** Creates what writes to an assembler. */
  Bf16BlockCode(Assembler assembler) {
    this.a = assembler;
  }

  @Override
  public int groupBytes() {
    return Short.BYTES * BlockRowCode.GROUP;
  }

  @Override
  public void constants(DType type) {
    switch (type) {
      case Q4_0 -> {
        Lanes.set(a, NUMBERS, 0xfffefdfcfbfaf9f8L, 0x0706050403020100L);
        a.op(Evex.VCVTDQ2PS, NUMBERS, NUMBERS);
        Lanes.set(a, BY_HALVES, 0x0404040400000000L, 0);
      }
      case Q4_K -> {
        Lanes.set(a, NUMBERS, 0x0706050403020100L, 0x0f0e0d0c0b0a0908L);
        a.op(Evex.VCVTDQ2PS, NUMBERS, NUMBERS);
        Lanes.set(a, BY_HALVES, 0, 0x0101010101010101L);
        Lanes.set(a, UPPER_HALF, 0x00100010);
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

  /** Sets all lanes to the f16 that a block begins with. */
  private void scale(Zmm to) {
    a.op(Evex.VCVTPH2PS_XMM, to, Gpr.RDI.at());
    a.op(Evex.VBROADCASTSS, to, to);
  }

  /** Rounds two vectors and stores them as the block's numbers from an index on. */
  private void store(Zmm low, Zmm high, int index) {
    a.op(Evex.VCVTNE2PS2BF16, low, high, low);
    a.op(Evex.VMOVUPS_STORE, low, Gpr.R9.at(Short.BYTES * index));
  }

  @Override
  public void eightBits() {
    scale(v(0));
    for (int i = 1; i <= 2; i++) {
      a.op(Evex.VPMOVSXBD, v(i), Gpr.RDI.at(16 * i - 14));
      a.op(Evex.VCVTDQ2PS, v(i), v(i));
      a.op(Evex.VMULPS, v(i), v(i), v(0));
    }
    store(v(1), v(2), 0);
  }

  /** Of what q picks from, both halves are the same, as there are other bits above its four. */
  @Override
  public void fourBits() {
    scale(v(0));
    a.op(Evex.VMULPS, v(0), v(0), NUMBERS);
    a.op(Evex.VCVTNE2PS2BF16, v(0), v(0), v(0));
    a.op(Evex.VBROADCASTI32X4_YMM, v(1), Gpr.RDI.at(2));
    a.op(Evex.VPSRLVD_YMM, v(1), v(1), BY_HALVES);
    a.op(Evex.VPMOVZXBW, v(1), v(1));
    a.op(Evex.VPERMW, v(1), v(1), v(0));
    a.op(Evex.VMOVUPS_STORE, v(1), Gpr.R9.at());
  }

  /**
   * The two groups of each 32 bytes share what q picks from: the group in the bytes' upper halves
   * picks from its lower half, which a shift leads to, the other one from its upper half.
   */
  @Override
  public void superFourBits() {
    SixBitScales.writeScaled(a, new Zmm(0), new Zmm(1), BY_HALVES);
    for (int group = 0; group < GROUPS; group += 2) {
      Zmm first = v(1);
      Zmm second = v(2);
      Zmm firstQ = v(3);
      Zmm secondQ = v(4);
      numbers(first, group);
      numbers(second, group + 1);
      a.op(Evex.VCVTNE2PS2BF16, first, first, second);
      a.op(Evex.VPMOVZXBW, firstQ, Gpr.RDI.at(16 + 16 * group));
      a.shift(Evex.VPSRLW, secondQ, firstQ, 4);
      a.op(Evex.VPORD, firstQ, firstQ, UPPER_HALF);
      a.op(Evex.VPERMW, firstQ, firstQ, first);
      a.op(Evex.VPERMW, secondQ, secondQ, first);
      a.op(Evex.VMOVUPS_STORE, firstQ, Gpr.R9.at(VECTOR_BYTES * group));
      a.op(Evex.VMOVUPS_STORE, secondQ, Gpr.R9.at(VECTOR_BYTES * (group + 1)));
    }
  }

  /** Computes what the sixteen q of a group stand for. */
  private void numbers(Zmm to, int group) {
    Zmm minimum = v(5);
    a.op(Evex.VPERMPS, to, lane(group), v(0));
    a.op(Evex.VPERMPS, minimum, lane(GROUPS + group), v(0));
    a.op(Evex.VFMSUB213PS, to, NUMBERS, minimum);
  }

  /** Where the index of a lane is kept, for vpermps. */
  private static Zmm lane(int index) {
    return v(6 + index);
  }

  @Override
  public void superSixBits() {
    SixBits.scales(a);
    a.op(Evex.VMOVUPS_STORE, v(0), Gpr.RSP.at(SCALES));
    for (int half = 0; half < 2; half++) {
      SixBits.half(a, half);
      for (int i = 0; i < 128; i += 32) {
        Zmm low = v(6 + i / 16);
        Zmm high = v(7 + i / 16);
        scaled(low, i, 8 * half + i / 16);
        scaled(high, i + 16, 8 * half + i / 16 + 1);
        store(low, high, 128 * half + i);
      }
    }
  }

  private void scaled(Zmm to, int index, int group) {
    a.op(Evex.VPMOVSXBD, to, Gpr.RSP.at(index));
    a.op(Evex.VCVTDQ2PS, to, to);
    a.broadcast(Evex.VMULPS, to, to, Gpr.RSP.at(SCALES + Float.BYTES * group));
  }
}
