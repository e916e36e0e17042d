package io.github.vlm4j.backend.cpu.emitted;

import io.github.vlm4j.core.tensor.DType;
import java.util.List;

/** The code that decodes blocks of Q4_0 and Q4_K into blocks of {@link NibbleCode}, exactly. */
final class NibbleBlockCode implements BlockPanelCode.Block {

  private static final int RECORD = NibbleCode.ROW_FLOATS * Float.BYTES;
  private static final int SCALE = NibbleCode.SCALE * Float.BYTES;
  private static final int MINIMUM = NibbleCode.SUM * Float.BYTES;

  /** What bits of Q4_0 stand for is so much more than the weight. */
  private static final float OFFSET = 8;

  /** Groups of a block of Q4_K. */
  private static final int GROUPS = 8;

  /** Where on the stack the scales of a block of Q4_K are, then its minima. */
  private static final int SCALES = 32;

  private static final int MINIMA = 64;

  private static final Zmm NIBBLES = v(15);

  // What only Q4_0 needs.
  private static final Zmm BY_HALVES = v(14);
  private static final Zmm MINUS_OFFSET = v(13);

  // What only Q4_K needs.
  private static final Zmm ZERO = v(14);

  private final Assembler a;

  /** Creates what writes to an assembler. */
  NibbleBlockCode(Assembler assembler) {
    this.a = assembler;
  }

  private static Zmm v(int number) {
    return new Zmm(number);
  }

  @Override
  public List<DType> types() {
    return List.of(DType.Q4_0, DType.Q4_K);
  }

  @Override
  public int weights(DType type) {
    return type.blockElements();
  }

  @Override
  public int floats(DType type) {
    return type.blockElements() / NibbleCode.BLOCK * NibbleCode.ROW_FLOATS;
  }

  @Override
  public void constants(DType type) {
    YmmLanes.set(a, NIBBLES, 0x0f0f0f0f);
    if (type == DType.Q4_0) {
      YmmLanes.set(a, BY_HALVES, 0x04040404_00000000L, Gpr.RSP.at());
      YmmLanes.set(a, MINUS_OFFSET, -OFFSET);
    } else {
      a.op(Vex.VPXOR, ZERO, ZERO, ZERO);
    }
  }

  @Override
  public void decode(DType type) {
    if (type == DType.Q4_0) {
      fourBits();
    } else {
      superFourBits();
    }
  }

  private void fourBits() {
    a.op(Vex.VBROADCASTI128, v(0), Gpr.RDI.at(2));
    a.op(Vex.VPSRLVD, v(0), v(0), BY_HALVES);
    a.op(Vex.VPAND, v(0), v(0), NIBBLES);
    a.op(Vex.VMOVUPS_STORE, v(0), Gpr.R9.at());
    half(v(1), 0);
    a.op(Vex.VMULPS, v(2), v(1), MINUS_OFFSET);
    a.op(Vex.VMOVSS_STORE, v(1), Gpr.R9.at(SCALE));
    a.op(Vex.VMOVSS_STORE, v(2), Gpr.R9.at(MINIMUM));
  }

  /** Puts an f16 of the block into all lanes. */
  private void half(Zmm to, int bytes) {
    a.op(Vex.VPBROADCASTW, to, Gpr.RDI.at(bytes));
    a.op(Vex.VCVTPH2PS, to, to);
  }

  private void superFourBits() {
    SixBitScales.write(a);
    a.mov(Gpr.RSP.at(), Gpr.RDX);
    a.mov(Gpr.RSP.at(8), Gpr.RAX);
    scales(v(0), v(1), 0);
    scales(v(2), v(3), 8);
    a.op(Vex.VMULPS, v(0), v(0), v(1));
    a.op(Vex.VMULPS, v(2), v(2), v(3));
    a.op(Vex.VSUBPS, v(2), ZERO, v(2));
    a.op(Vex.VMOVUPS_STORE, v(0), Gpr.RSP.at(SCALES));
    a.op(Vex.VMOVUPS_STORE, v(2), Gpr.RSP.at(MINIMA));
    for (int group = 0; group < GROUPS; group += 2) {
      Zmm low = v(4 + group);
      Zmm high = v(5 + group);
      a.op(Vex.VMOVUPS, low, Gpr.RDI.at(16 + 16 * group));
      a.shift(Vex.VPSRLD, high, low, 4);
      store(low, group);
      store(high, group + 1);
    }
  }

  /** Loads eight scales, or minima, and what they are multiplied with. */
  private void scales(Zmm to, Zmm factor, int at) {
    a.op(Vex.VPMOVZXBD, to, Gpr.RSP.at(at));
    a.op(Vex.VCVTDQ2PS, to, to);
    half(factor, at / 4);
  }

  private void store(Zmm bits, int group) {
    a.op(Vex.VPAND, bits, bits, NIBBLES);
    a.op(Vex.VMOVUPS_STORE, bits, Gpr.R9.at(RECORD * group));
    copy(SCALES + Float.BYTES * group, RECORD * group + SCALE);
    copy(MINIMA + Float.BYTES * group, RECORD * group + MINIMUM);
  }

  private void copy(int from, int to) {
    a.movsxd(Gpr.RAX, Gpr.RSP.at(from));
    a.mov32(Gpr.R9.at(to), Gpr.RAX);
  }
}
