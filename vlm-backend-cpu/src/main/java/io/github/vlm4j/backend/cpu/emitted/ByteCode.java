package io.github.vlm4j.backend.cpu.emitted;

import io.github.vlm4j.core.tensor.DType;

/**
 * Code for processors with VNNI: {@code vpdpbusd} multiplies inputs with weights that are made
 * unsigned by adding a constant. What that adds to a sum is the constant times the sum of inputs,
 * which sums begin with, negated.
 */
final class ByteCode implements RowCode {

  private static final int GROUP = RowMemory.GROUP;
  private static final int RECORD = RowMemory.RECORD;
  private static final Mask ONE = new Mask(1);
  private static final Mask UPPER = new Mask(2);

  /** Where scales are between registers. */
  private static final int BETWEEN = 64;

  private static final Zmm LOW_NIBBLES = new Zmm(31);
  private static final Zmm OFFSET = new Zmm(30);
  private static final Zmm BY_HALVES = new Zmm(29);
  private static final Zmm HIGH_PAIRS = new Zmm(28);

  private final Assembler a;
  private final CallingConvention convention;
  private final RowMemory memory;

  /** Creates what writes to an assembler. */
  ByteCode(Assembler assembler, CallingConvention convention) {
    this.a = assembler;
    this.convention = convention;
    this.memory = new RowMemory(assembler);
  }

  private static Zmm v(int number) {
    return new Zmm(number);
  }

  @Override
  public int quantise() {
    int at = a.position();
    Frame frame = new Frame(a, convention);
    Lanes.set(a, v(31), 0x7fffffff);
    Lanes.set(a, v(30), 127f);
    Lanes.set(a, v(29), 1 / 127f);
    Lanes.set(a, v(28), 1e-30f);
    a.mov(Gpr.RAX, frame.argument(4));
    a.broadcast(v(27), Gpr.RAX);
    a.mov(Gpr.RAX, 1L);
    a.kmovq(ONE, Gpr.RAX);
    a.mov(Gpr.RDI, frame.argument(0));
    a.mov(Gpr.RAX, frame.argument(1));
    a.add(Gpr.RDI, Gpr.RAX);
    memory.point(frame, 2, 3);
    a.mov(Gpr.RCX, frame.argument(3));
    Label next = new Label();
    a.place(next);
    a.op(Evex.VMOVUPS, v(0), Gpr.RDI.at());
    a.op(Evex.VMOVUPS, v(1), Gpr.RDI.at(64));
    a.op(Evex.VPANDD, v(2), v(0), v(31));
    a.op(Evex.VPANDD, v(3), v(1), v(31));
    // Without their signs, floats are ordered as whole numbers are, and NaN is above all.
    a.op(Evex.VPMAXSD, v(2), v(2), v(3));
    Reduction.write(a, Evex.VPMAXSD, v(2), v(3));
    a.op(Evex.VMULPS, v(4), v(2), v(29));
    a.op(Evex.VMOVUPS_STORE, v(4), Gpr.R8.at(), ONE);
    a.op(Evex.VMAXPS, v(2), v(28), v(2));
    a.op(Evex.VDIVPS, v(2), v(30), v(2));
    a.op(Evex.VMULPS, v(0), v(0), v(2));
    a.op(Evex.VMULPS, v(1), v(1), v(2));
    a.op(Evex.VCVTPS2DQ, v(0), v(0));
    a.op(Evex.VCVTPS2DQ, v(1), v(1));
    a.op(Evex.VPMOVSDB_STORE, v(0), Gpr.RSI.at());
    a.op(Evex.VPMOVSDB_STORE, v(1), Gpr.RSI.at(16));
    a.op(Evex.VPXORD, v(5), v(5), v(5));
    a.op(Evex.VPXORD, v(6), v(6), v(6));
    a.op(Evex.VPDPBUSD_YMM, v(5), v(27), Gpr.RSI.at());
    a.op(Evex.VPSUBD, v(5), v(6), v(5));
    a.op(Evex.VMOVUPS_YMM_STORE, v(5), Gpr.RSI.at(GROUP));
    a.op(Evex.VCVTDQ2PS, v(5), v(5));
    a.op(Evex.VMULPS, v(5), v(5), v(4));
    sumOfEight(v(5), v(6));
    a.op(Evex.VMOVUPS_STORE, v(5), Gpr.R9.at(), ONE);
    a.add(Gpr.RDI, GROUP * Float.BYTES);
    a.add(Gpr.RSI, RECORD);
    a.add(Gpr.R8, Float.BYTES);
    a.add(Gpr.R9, Float.BYTES);
    a.sub(Gpr.RCX, 1);
    a.jump(Condition.NOT_EQUAL, next);
    frame.leave();
    return at;
  }

  private void shuffleInQuarters(Zmm to, Zmm from, int order) {
    a.op(Evex.VPSHUFD, to, from, order);
  }

  /** Leaves the sum of eight lanes in the first of them. */
  private void sumOfEight(Zmm sums, Zmm other) {
    a.op(Evex.VSHUFI32X4, other, sums, sums, 1);
    a.op(Evex.VADDPS, sums, sums, other);
    shuffleInQuarters(other, sums, 0x4e);
    a.op(Evex.VADDPS, sums, sums, other);
    shuffleInQuarters(other, sums, 0xb1);
    a.op(Evex.VADDPS, sums, sums, other);
  }

  @Override
  public int multiply(DType type) {
    int at = a.position();
    Frame frame = new Frame(a, convention);
    a.mov(Gpr.R10, frame.argument(0));
    a.mov(Gpr.RAX, frame.argument(1));
    a.add(Gpr.R10, Gpr.RAX);
    a.mov(Gpr.R14, frame.argument(6));
    a.mov(Gpr.RAX, frame.argument(7));
    a.add(Gpr.R14, Gpr.RAX);
    a.mov(Gpr.R15, frame.argument(3));
    a.mov(Gpr.RAX, 1L);
    a.kmovq(ONE, Gpr.RAX);
    a.mov(Gpr.RAX, 0xf0L);
    a.kmovq(UPPER, Gpr.RAX);
    memory.point(frame, 4, 5);
    Lanes.set(a, LOW_NIBBLES, 0x0f0f0f0f);
    Lanes.set(a, OFFSET, 0x80808080);
    Lanes.set(a, HIGH_PAIRS, 0x30303030);
    // The upper half of a vector of 256 bits is treated apart: by the shift, or by the index.
    Lanes.set(a, BY_HALVES, type == DType.Q4_0 ? 4 : 1);
    a.op(Evex.VMOVUPS_STORE, BY_HALVES, Gpr.R12.at());
    a.op(Evex.VMOVUPS, BY_HALVES, Gpr.R12.at(), UPPER);
    Label row = new Label();
    a.place(row);
    a.mov(Gpr.RDI, Gpr.R10);
    memory.point(frame, 4, 5);
    a.mov(Gpr.RCX, frame.argument(5));
    for (int sum = 0; sum < 4; sum++) {
      a.op(Evex.VPXORD, v(sum), v(sum), v(sum));
    }
    switch (type) {
      case Q8_0, Q4_0 -> groups(type);
      case Q4_K -> blocks(type, 144);
      default -> blocks(type, 210);
    }
    a.op(Evex.VADDPS, v(0), v(0), v(1));
    a.op(Evex.VADDPS, v(2), v(2), v(3));
    a.op(Evex.VADDPS, v(0), v(0), v(2));
    sumOfEight(v(0), v(4));
    a.op(Evex.VMOVUPS_STORE, v(0), Gpr.R14.at(), ONE);
    a.add(Gpr.R14, Float.BYTES);
    a.mov(Gpr.RAX, frame.argument(2));
    a.add(Gpr.R10, Gpr.RAX);
    a.sub(Gpr.R15, 1);
    a.jump(Condition.NOT_EQUAL, row);
    frame.leave();
    return at;
  }

  private void groups(DType type) {
    int bytes = type.blockBytes();
    memory.eights(bytes, () -> eight(type, bytes), () -> one(type));
  }

  private void eight(DType type, int bytes) {
    memory.eightScales(v(8), bytes);
    a.op(Evex.VCVTPH2PS_YMM, v(8), v(8));
    a.op(Evex.VMULPS_YMM, v(8), v(8), Gpr.R8.at());
    a.op(Evex.VMOVUPS_YMM_STORE, v(8), Gpr.R12.at(BETWEEN));
    for (int i = 0; i < RowMemory.SCALES; i++) {
      group(type, i, bytes * i);
    }
  }

  private void one(DType type) {
    half(v(8), 0);
    a.broadcast(Evex.VMULPS_YMM, v(8), v(8), Gpr.R8.at());
    a.op(Evex.VMOVUPS_YMM_STORE, v(8), Gpr.R12.at(BETWEEN));
    group(type, 0, 0);
  }

  /** Adds the products of a group, whose scale is between registers. */
  private void group(DType type, int index, int bytes) {
    Zmm weights = v(8 + 2 * index);
    Zmm sum = v(9 + 2 * index);
    if (type == DType.Q8_0) {
      a.op(Evex.VPXORD_YMM, weights, OFFSET, Gpr.RDI.at(bytes + 2));
    } else {
      a.op(Evex.VBROADCASTI32X4_YMM, weights, Gpr.RDI.at(bytes + 2));
      a.op(Evex.VPSRLVD_YMM, weights, weights, BY_HALVES);
      a.op(Evex.VPANDD_YMM, weights, weights, LOW_NIBBLES);
    }
    a.op(Evex.VMOVDQU8_YMM, sum, Gpr.RSI.at(RECORD * index + GROUP));
    a.op(Evex.VPDPBUSD_YMM, sum, weights, Gpr.RSI.at(RECORD * index));
    a.op(Evex.VCVTDQ2PS_YMM, sum, sum);
    a.broadcast(Evex.VFMADD231PS_YMM, v(index % 4), sum, Gpr.R12.at(BETWEEN + Float.BYTES * index));
  }

  /** Puts an f16 of the weights into all of 256 bits. */
  private void half(Zmm to, int bytes) {
    a.op(Evex.VPBROADCASTW_XMM, to, Gpr.RDI.at(bytes));
    a.op(Evex.VCVTPH2PS_YMM, to, to);
  }

  private void blocks(DType type, int bytes) {
    Label next = new Label();
    a.place(next);
    memory.prefetch(bytes);
    if (type == DType.Q4_K) {
      fourBits();
    } else {
      sixBits();
    }
    memory.advance(8, bytes);
    a.jump(Condition.NOT_EQUAL, next);
  }

  /** Multiplies a block of Q4_K. */
  private void fourBits() {
    memory.scalesAndMinima();
    a.op(Evex.VPMOVZXBD_YMM, v(8), Gpr.R12.at());
    a.op(Evex.VPMOVZXBD_YMM, v(9), Gpr.R12.at(8));
    a.op(Evex.VCVTDQ2PS_YMM, v(8), v(8));
    a.op(Evex.VCVTDQ2PS_YMM, v(9), v(9));
    half(v(10), 0);
    half(v(11), 2);
    a.op(Evex.VMULPS_YMM, v(8), v(8), v(10));
    a.op(Evex.VMULPS_YMM, v(9), v(9), v(11));
    a.op(Evex.VMULPS_YMM, v(8), v(8), Gpr.R8.at());
    a.op(Evex.VFMADD231PS_YMM, v(2), v(9), Gpr.R9.at());
    a.op(Evex.VMOVUPS_YMM_STORE, v(8), Gpr.R12.at(32));
    for (int pair = 0; pair < 4; pair++) {
      Zmm low = v(12 + 4 * pair);
      Zmm high = v(13 + 4 * pair);
      Zmm lowSum = v(14 + 4 * pair);
      Zmm highSum = v(15 + 4 * pair);
      a.op(Evex.VMOVDQU8_YMM, low, Gpr.RDI.at(16 + 32 * pair));
      a.shift(Evex.VPSRLD_YMM, high, low, 4);
      a.op(Evex.VPANDD_YMM, low, low, LOW_NIBBLES);
      a.op(Evex.VPANDD_YMM, high, high, LOW_NIBBLES);
      a.op(Evex.VPXORD_YMM, lowSum, lowSum, lowSum);
      a.op(Evex.VPXORD_YMM, highSum, highSum, highSum);
      a.op(Evex.VPDPBUSD_YMM, lowSum, low, Gpr.RSI.at(2 * RECORD * pair));
      a.op(Evex.VPDPBUSD_YMM, highSum, high, Gpr.RSI.at(2 * RECORD * pair + RECORD));
      a.op(Evex.VCVTDQ2PS_YMM, lowSum, lowSum);
      a.op(Evex.VCVTDQ2PS_YMM, highSum, highSum);
      a.broadcast(Evex.VFMADD231PS_YMM, v(0), lowSum, Gpr.R12.at(32 + 8 * pair));
      a.broadcast(Evex.VFMADD231PS_YMM, v(1), highSum, Gpr.R12.at(36 + 8 * pair));
    }
  }

  /** Multiplies a block of Q6_K. */
  private void sixBits() {
    a.op(Evex.VPMOVSXBD, v(8), Gpr.RDI.at(192));
    a.op(Evex.VCVTDQ2PS, v(8), v(8));
    a.op(Evex.VPBROADCASTW_YMM, v(9), Gpr.RDI.at(208));
    a.op(Evex.VCVTPH2PS, v(9), v(9));
    a.op(Evex.VMULPS, v(8), v(8), v(9));
    a.op(Evex.VMOVUPS_STORE, v(8), Gpr.R12.at());
    for (int quarter = 0; quarter < 8; quarter++) {
      int half = quarter / 4;
      int inHalf = quarter % 4;
      Zmm weights = v(8 + 4 * (quarter % 4));
      Zmm upper = v(9 + 4 * (quarter % 4));
      Zmm sum = v(10 + 4 * (quarter % 4));
      Zmm scale = v(11 + 4 * (quarter % 4));
      a.op(Evex.VMOVDQU8_YMM, weights, Gpr.RDI.at(64 * half + 32 * (inHalf % 2)));
      if (inHalf >= 2) {
        a.shift(Evex.VPSRLD_YMM, weights, weights, 4);
      }
      a.op(Evex.VPANDD_YMM, weights, weights, LOW_NIBBLES);
      a.op(Evex.VMOVDQU8_YMM, upper, Gpr.RDI.at(128 + 32 * half));
      switch (inHalf) {
        case 0 -> a.shift(Evex.VPSLLD_YMM, upper, upper, 4);
        case 1 -> a.shift(Evex.VPSLLD_YMM, upper, upper, 2);
        case 3 -> a.shift(Evex.VPSRLD_YMM, upper, upper, 2);
        default -> {}
      }
      a.op(Evex.VPANDD_YMM, upper, upper, HIGH_PAIRS);
      a.op(Evex.VPORD_YMM, weights, weights, upper);
      a.op(Evex.VMOVDQU8_YMM, sum, Gpr.RSI.at(RECORD * quarter + GROUP));
      a.op(Evex.VPDPBUSD_YMM, sum, weights, Gpr.RSI.at(RECORD * quarter));
      a.op(Evex.VCVTDQ2PS_YMM, sum, sum);
      a.op(Evex.VBROADCASTSD_YMM, scale, Gpr.R12.at(8 * quarter));
      a.op(Evex.VPERMILPS_YMM, scale, scale, BY_HALVES);
      a.broadcast(Evex.VMULPS_YMM, scale, scale, Gpr.R8.at(Float.BYTES * quarter));
      a.op(Evex.VFMADD231PS_YMM, v(quarter % 4), sum, scale);
    }
  }
}
