package io.github.vlm4j.backend.cpu.emitted;

import io.github.vlm4j.core.tensor.DType;

/**
 * Code for processors without VNNI: {@code vpmaddubsw} and {@code vpmaddwd} in turn multiply inputs
 * with weights and add four products. Sums of two have 16 bits, which is enough for weights of six
 * bits and fewer, made unsigned by adding a constant; what that adds to a sum is the constant times
 * the sum of inputs, which is taken off. Those of Q8_0 give their signs to the inputs instead.
 */
final class Avx2Code implements RowCode {

  private static final int GROUP = RowMemory.GROUP;
  private static final int RECORD = RowMemory.RECORD;

  private static final Zmm ONES = new Zmm(15);
  private static final Zmm LOW_NIBBLES = new Zmm(14);
  private static final Zmm BY_HALVES = new Zmm(13);
  private static final Zmm HIGH_PAIRS = new Zmm(12);

  /** In the place of what only Q6_K needs. */
  private static final Zmm EIGHTH = HIGH_PAIRS;

  /** Where scales are between registers. */
  private static final int BETWEEN = 64;

  private final Assembler a;
  private final CallingConvention convention;
  private final RowMemory memory;

  /** Creates what writes to an assembler. */
  Avx2Code(Assembler assembler, CallingConvention convention) {
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
    ByteRounding rounding = new ByteRounding(a);
    Zmm offset = v(13);
    Zmm zero = v(8);
    Zmm factor = v(5);
    Zmm sums = v(6);
    memory.point(frame, 2);
    YmmLanes.set(a, ONES, 0x00010001);
    a.mov(Gpr.RAX, frame.argument(5));
    a.broadcast256(offset, Gpr.RAX);
    rounding.begin(Gpr.R12.at());
    a.op(Vex.VPXOR, zero, zero, zero);
    a.mov(Gpr.RDI, frame.argument(0));
    a.mov(Gpr.RAX, frame.argument(1));
    a.add(Gpr.RDI, Gpr.RAX);
    a.mov(Gpr.RCX, frame.argument(4));
    Label next = new Label();
    a.place(next);
    rounding.round(Gpr.RDI);
    a.op(Vex.VMOVSS_STORE, ByteRounding.SCALE, Gpr.R8.at());
    a.op(Vex.VMOVUPS_STORE, ByteRounding.BYTES, Gpr.RSI.at());
    a.op(Vex.VPMADDUBSW, sums, offset, ByteRounding.BYTES);
    a.op(Vex.VPMADDWD, sums, sums, ONES);
    a.op(Vex.VPSUBD, sums, zero, sums);
    a.op(Vex.VMOVUPS_STORE, sums, Gpr.RSI.at(GROUP));
    a.op(Vex.VCVTDQ2PS, sums, sums);
    a.op(Vex.VMULPS, sums, sums, ByteRounding.SCALE);
    Reduction.write(a, Vex.VADDPS, sums, factor);
    a.op(Vex.VMOVSS_STORE, sums, Gpr.R9.at());
    a.add(Gpr.RDI, GROUP * Float.BYTES);
    a.add(Gpr.RSI, RECORD);
    a.add(Gpr.R8, Float.BYTES);
    a.add(Gpr.R9, Float.BYTES);
    a.sub(Gpr.RCX, 1);
    a.jump(Condition.NOT_EQUAL, next);
    frame.leave();
    return at;
  }

  @Override
  public int streams() {
    return 1;
  }

  @Override
  public int multiply(DType type, int streams) {
    int at = a.position();
    Frame frame = new Frame(a, convention);
    a.mov(Gpr.R10, frame.argument(0));
    a.mov(Gpr.RAX, frame.argument(1));
    a.add(Gpr.R10, Gpr.RAX);
    a.mov(Gpr.R14, frame.argument(7));
    a.mov(Gpr.RAX, frame.argument(8));
    a.add(Gpr.R14, Gpr.RAX);
    a.mov(Gpr.R15, frame.argument(3));
    memory.point(frame, 4);
    YmmLanes.set(a, ONES, 0x00010001);
    YmmLanes.set(a, LOW_NIBBLES, 0x0f0f0f0f);
    if (type == DType.Q6_K) {
      YmmLanes.set(a, HIGH_PAIRS, 0x30303030);
    } else {
      YmmLanes.set(a, EIGHTH, 0.125f);
    }
    // The upper half of a vector is treated apart: by the shift, or by the index.
    long halves = type == DType.Q4_0 ? 0x04040404_00000000L : 0x01010101_00000000L;
    YmmLanes.set(a, BY_HALVES, halves, Gpr.R12.at());
    Label row = new Label();
    a.place(row);
    a.mov(Gpr.RDI, Gpr.R10);
    memory.point(frame, 4);
    a.mov(Gpr.RCX, frame.argument(6));
    for (int sum = 0; sum < 4; sum++) {
      a.op(Vex.VPXOR, v(sum), v(sum), v(sum));
    }
    switch (type) {
      case Q8_0, Q4_0 -> groups(type);
      default -> blocks(type);
    }
    a.op(Vex.VADDPS, v(0), v(0), v(1));
    a.op(Vex.VADDPS, v(2), v(2), v(3));
    a.op(Vex.VADDPS, v(0), v(0), v(2));
    Reduction.write(a, Vex.VADDPS, v(0), v(4));
    a.op(Vex.VMOVSS_STORE, v(0), Gpr.R14.at());
    a.add(Gpr.R14, Float.BYTES);
    a.mov(Gpr.R10, Gpr.RDI);
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
    eightScales(type);
    for (int i = 0; i < RowMemory.SCALES; i++) {
      group(type, i, bytes * i);
    }
  }

  private void one(DType type) {
    half(v(4), 0);
    if (type == DType.Q4_0) {
      a.op(Vex.VBROADCASTSS, v(5), Gpr.R9.at());
      a.op(Vex.VMULPS, v(5), v(5), v(4));
      a.op(Vex.VMULPS, v(5), v(5), EIGHTH);
      a.op(Vex.VADDPS, v(2), v(2), v(5));
    }
    a.op(Vex.VBROADCASTSS, v(5), Gpr.R8.at());
    a.op(Vex.VMULPS, v(4), v(4), v(5));
    a.op(Vex.VMOVUPS_STORE, v(4), Gpr.R12.at(BETWEEN));
    group(type, 0, 0);
  }

  /** Puts the scales of eight groups, times those of inputs, between registers. */
  private void eightScales(DType type) {
    memory.eightScales(v(4), type.blockBytes());
    a.op(Vex.VCVTPH2PS, v(4), v(4));
    if (type == DType.Q4_0) {
      a.op(Vex.VFMADD231PS, v(2), v(4), Gpr.R9.at());
    }
    a.op(Vex.VMULPS, v(4), v(4), Gpr.R8.at());
    a.op(Vex.VMOVUPS_STORE, v(4), Gpr.R12.at(BETWEEN));
  }

  /** Adds the products of a group, whose scale is between registers. */
  private void group(DType type, int index, int bytes) {
    Zmm weights = v(4 + 2 * (index % 3));
    Zmm sum = v(5 + 2 * (index % 3));
    Zmm scale = v(10 + index % 2);
    Mem inputs = Gpr.RSI.at(RECORD * index);
    if (type == DType.Q8_0) {
      a.op(Vex.VMOVUPS, weights, Gpr.RDI.at(bytes + 2));
      a.op(Vex.VMOVUPS, sum, inputs);
      a.op(Vex.VPSIGNB, sum, sum, weights);
      a.op(Vex.VPABSB, weights, weights);
      a.op(Vex.VPMADDUBSW, sum, weights, sum);
    } else {
      a.op(Vex.VBROADCASTI128, weights, Gpr.RDI.at(bytes + 2));
      a.op(Vex.VPSRLVD, weights, weights, BY_HALVES);
      a.op(Vex.VPAND, weights, weights, LOW_NIBBLES);
      a.op(Vex.VPMADDUBSW, sum, weights, inputs);
    }
    a.op(Vex.VPMADDWD, sum, sum, ONES);
    a.op(Vex.VCVTDQ2PS, sum, sum);
    a.op(Vex.VBROADCASTSS, scale, Gpr.R12.at(BETWEEN + Float.BYTES * index));
    a.op(Vex.VFMADD231PS, v(index % 2), sum, scale);
  }

  /** Puts an f16 of the weights into all lanes. */
  private void half(Zmm to, int bytes) {
    a.op(Vex.VPBROADCASTW, to, Gpr.RDI.at(bytes));
    a.op(Vex.VCVTPH2PS, to, to);
  }

  private void blocks(DType type) {
    Label next = new Label();
    a.place(next);
    memory.prefetch(type.blockBytes());
    if (type == DType.Q4_K) {
      fourBits();
    } else {
      sixBits();
    }
    memory.advance(type.blockElements() / GROUP, type.blockBytes());
    a.jump(Condition.NOT_EQUAL, next);
  }

  /** Multiplies a block of Q4_K. */
  private void fourBits() {
    memory.scalesAndMinima();
    a.op(Vex.VPMOVZXBD, v(4), Gpr.R12.at());
    a.op(Vex.VPMOVZXBD, v(5), Gpr.R12.at(8));
    a.op(Vex.VCVTDQ2PS, v(4), v(4));
    a.op(Vex.VCVTDQ2PS, v(5), v(5));
    half(v(6), 0);
    half(v(7), 2);
    a.op(Vex.VMULPS, v(4), v(4), v(6));
    a.op(Vex.VMULPS, v(5), v(5), v(7));
    a.op(Vex.VMULPS, v(4), v(4), Gpr.R8.at());
    a.op(Vex.VFMADD231PS, v(2), v(5), Gpr.R9.at());
    a.op(Vex.VMOVUPS_STORE, v(4), Gpr.R12.at(32));
    for (int pair = 0; pair < 4; pair++) {
      Zmm low = v(4 + 4 * (pair % 2));
      Zmm high = v(5 + 4 * (pair % 2));
      Zmm lowScale = v(6 + 4 * (pair % 2));
      Zmm highScale = v(7 + 4 * (pair % 2));
      a.op(Vex.VMOVUPS, low, Gpr.RDI.at(16 + 32 * pair));
      a.shift(Vex.VPSRLD, high, low, 4);
      a.op(Vex.VPAND, low, low, LOW_NIBBLES);
      a.op(Vex.VPAND, high, high, LOW_NIBBLES);
      a.op(Vex.VPMADDUBSW, low, low, Gpr.RSI.at(2 * RECORD * pair));
      a.op(Vex.VPMADDUBSW, high, high, Gpr.RSI.at(2 * RECORD * pair + RECORD));
      a.op(Vex.VPMADDWD, low, low, ONES);
      a.op(Vex.VPMADDWD, high, high, ONES);
      a.op(Vex.VCVTDQ2PS, low, low);
      a.op(Vex.VCVTDQ2PS, high, high);
      a.op(Vex.VBROADCASTSS, lowScale, Gpr.R12.at(32 + 8 * pair));
      a.op(Vex.VBROADCASTSS, highScale, Gpr.R12.at(36 + 8 * pair));
      a.op(Vex.VFMADD231PS, v(0), low, lowScale);
      a.op(Vex.VFMADD231PS, v(1), high, highScale);
    }
  }

  /** Multiplies a block of Q6_K. */
  private void sixBits() {
    half(v(6), 208);
    for (int half = 0; half < 2; half++) {
      a.op(Vex.VPMOVSXBD, v(4 + half), Gpr.RDI.at(192 + 8 * half));
      a.op(Vex.VCVTDQ2PS, v(4 + half), v(4 + half));
      a.op(Vex.VMULPS, v(4 + half), v(4 + half), v(6));
      a.op(Vex.VMOVUPS_STORE, v(4 + half), Gpr.R12.at(32 * half));
    }
    for (int quarter = 0; quarter < 8; quarter++) {
      int half = quarter / 4;
      int inHalf = quarter % 4;
      Zmm weights = v(4 + 4 * (quarter % 2));
      Zmm upper = v(5 + 4 * (quarter % 2));
      Zmm scale = v(6 + 4 * (quarter % 2));
      Zmm other = v(7 + 4 * (quarter % 2));
      a.op(Vex.VMOVUPS, weights, Gpr.RDI.at(64 * half + 32 * (inHalf % 2)));
      if (inHalf >= 2) {
        a.shift(Vex.VPSRLD, weights, weights, 4);
      }
      a.op(Vex.VPAND, weights, weights, LOW_NIBBLES);
      a.op(Vex.VMOVUPS, upper, Gpr.RDI.at(128 + 32 * half));
      switch (inHalf) {
        case 0 -> a.shift(Vex.VPSLLD, upper, upper, 4);
        case 1 -> a.shift(Vex.VPSLLD, upper, upper, 2);
        case 3 -> a.shift(Vex.VPSRLD, upper, upper, 2);
        default -> {}
      }
      a.op(Vex.VPAND, upper, upper, HIGH_PAIRS);
      a.op(Vex.VPOR, weights, weights, upper);
      a.op(Vex.VPMADDUBSW, weights, weights, Gpr.RSI.at(RECORD * quarter));
      a.op(Vex.VPMADDWD, weights, weights, ONES);
      a.op(Vex.VPADDD, weights, weights, Gpr.RSI.at(RECORD * quarter + GROUP));
      a.op(Vex.VCVTDQ2PS, weights, weights);
      a.op(Vex.VBROADCASTSD, scale, Gpr.R12.at(8 * quarter));
      a.op(Vex.VPERMILPS, scale, scale, BY_HALVES);
      a.op(Vex.VBROADCASTSS, other, Gpr.R8.at(Float.BYTES * quarter));
      a.op(Vex.VMULPS, scale, scale, other);
      a.op(Vex.VFMADD231PS, v(quarter % 4), weights, scale);
    }
  }
}
