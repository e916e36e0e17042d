package io.github.vlm4j.backend.cpu.emitted;

import io.github.vlm4j.core.tensor.DType;
import java.util.List;
import java.util.function.IntConsumer;

/**
 * Code for processors with VNNI: {@code vpdpbusd} multiplies inputs with weights that are made
 * unsigned by adding a constant. What that adds to a sum is the constant times the sum of inputs,
 * which sums begin with, negated.
 *
 * <p>Two groups of a row are multiplied at once. Their inputs and the ints that their sums begin
 * with lie side by side, {@value RowMemory#PAIR} bytes for both; of an odd number of groups the
 * last has zeros beside it.
 */
final class ByteCode implements RowCode {

  private static final int GROUP = RowMemory.GROUP;
  private static final int PAIR = RowMemory.PAIR;

  /** Where in a pair its ints are. */
  private static final int BEGIN = PAIR / 2;

  /** The pairs of eight groups, each of which has a sum of its own in a row. */
  private static final int PAIRS = RowMemory.SCALES / 2;

  private static final int STREAMS = 2;

  /** Where each stream has come to. */
  private static final List<Gpr> STREAM = List.of(Gpr.R10, Gpr.R11);

  private static final Mask ONE = new Mask(1);

  /** What is added to weights, or what keeps their lower four bits. */
  private static final Zmm OFFSET = new Zmm(27);

  private static final Zmm LOW_NIBBLES = OFFSET;

  /** Shifts that bring four bits of a lane down. */
  private static final Zmm SHIFTS = new Zmm(26);

  private static final Zmm HIGH_PAIRS = new Zmm(25);
  private static final Zmm TO_THE_LEFT = new Zmm(24);
  private static final Zmm TWICE = new Zmm(23);

  private final Assembler a;
  private final CallingConvention convention;
  private final RowMemory memory;

  /** Creates what writes to an assembler. */
  ByteCode(Assembler assembler, CallingConvention convention) {
    this.a = assembler;
    this.convention = convention;
    this.memory = new RowMemory(assembler);
  }

  @Override
  public int streams() {
    return STREAMS;
  }

  /** Returns the sum of a stream's pairs at a place among eight groups. */
  private static Zmm sum(int stream, int pair) {
    return v(PAIRS * stream + pair);
  }

  /** Returns the sum of what a stream's minima take off. */
  private static Zmm minima(int stream) {
    return v(PAIRS * STREAMS + stream);
  }

  /** Returns the places of a pair's scales among those of its block. */
  private static Zmm places(int pair) {
    return v(28 + pair);
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
    a.mov(Gpr.RAX, frame.argument(5));
    a.broadcast(v(27), Gpr.RAX);
    a.mov(Gpr.RAX, 1L);
    a.kmovq(ONE, Gpr.RAX);
    a.mov(Gpr.RDI, frame.argument(0));
    a.mov(Gpr.RAX, frame.argument(1));
    a.add(Gpr.RDI, Gpr.RAX);
    memory.point(frame, 2);
    a.mov(Gpr.RCX, frame.argument(4));
    Label next = new Label();
    Label odd = new Label();
    Label end = new Label();
    a.place(next);
    quantise(0);
    a.sub(Gpr.RCX, 1);
    a.jump(Condition.EQUAL, odd);
    quantise(GROUP);
    a.add(Gpr.RSI, PAIR);
    a.sub(Gpr.RCX, 1);
    a.jump(Condition.NOT_EQUAL, next);
    a.jump(end);
    a.place(odd);
    a.op(Evex.VPXORD, v(0), v(0), v(0));
    a.op(Evex.VMOVUPS_YMM_STORE, v(0), Gpr.RSI.at(GROUP));
    a.op(Evex.VMOVUPS_YMM_STORE, v(0), Gpr.RSI.at(BEGIN + GROUP));
    a.place(end);
    frame.leave();
    return at;
  }

  /**
   * Quantises a group.
   *
   * @param bytes where it is in its pair
   */
  private void quantise(int bytes) {
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
    a.op(Evex.VPMOVSDB_STORE, v(0), Gpr.RSI.at(bytes));
    a.op(Evex.VPMOVSDB_STORE, v(1), Gpr.RSI.at(bytes + 16));
    a.op(Evex.VPXORD, v(5), v(5), v(5));
    a.op(Evex.VPXORD, v(6), v(6), v(6));
    a.op(Evex.VPDPBUSD_YMM, v(5), v(27), Gpr.RSI.at(bytes));
    a.op(Evex.VPSUBD, v(5), v(6), v(5));
    a.op(Evex.VMOVUPS_YMM_STORE, v(5), Gpr.RSI.at(BEGIN + bytes));
    a.op(Evex.VCVTDQ2PS, v(5), v(5));
    a.op(Evex.VMULPS, v(5), v(5), v(4));
    // Of sixteen lanes, the upper eight are zero.
    Reduction.write(a, Evex.VADDPS, v(5), v(6));
    a.op(Evex.VMOVUPS_STORE, v(5), Gpr.R9.at(), ONE);
    a.add(Gpr.RDI, GROUP * Float.BYTES);
    a.add(Gpr.R8, Float.BYTES);
    a.add(Gpr.R9, Float.BYTES);
  }

  @Override
  public int multiply(DType type, int streams) {
    int at = a.position();
    Frame frame = new Frame(a, convention);
    a.mov(Gpr.R10, frame.argument(0));
    a.mov(Gpr.RAX, frame.argument(1));
    a.add(Gpr.R10, Gpr.RAX);
    a.mov(Gpr.R11, frame.argument(2));
    a.add(Gpr.R11, Gpr.R10);
    a.mov(Gpr.R14, frame.argument(7));
    a.mov(Gpr.RAX, frame.argument(8));
    a.add(Gpr.R14, Gpr.RAX);
    a.mov(Gpr.R15, frame.argument(3));
    constants(type);
    Label row = new Label();
    a.place(row);
    memory.point(frame, 4);
    a.mov(Gpr.RCX, frame.argument(6));
    for (int stream = 0; stream < streams; stream++) {
      for (int pair = 0; pair < PAIRS; pair++) {
        a.op(Evex.VPXORD, sum(stream, pair), sum(stream, pair), sum(stream, pair));
      }
      if (type == DType.Q4_K) {
        a.op(Evex.VPXORD, minima(stream), minima(stream), minima(stream));
      }
    }
    switch (type) {
      case Q8_0, Q4_0 -> groups(type, streams);
      case Q4_K -> blocks(streams, 144, this::fourBits);
      default -> blocks(streams, 210, this::sixBits);
    }
    a.mov(Gpr.RAX, Gpr.R14);
    a.mov(Gpr.RBX, frame.argument(9));
    for (int stream = 0; stream < streams; stream++) {
      Zmm all = sum(stream, 0);
      a.op(Evex.VADDPS, all, all, sum(stream, 1));
      a.op(Evex.VADDPS, sum(stream, 2), sum(stream, 2), sum(stream, 3));
      a.op(Evex.VADDPS, all, all, sum(stream, 2));
      if (type == DType.Q4_K) {
        a.op(Evex.VADDPS, all, all, minima(stream));
      }
      Reduction.write(a, Evex.VADDPS, all, v(12));
      a.op(Evex.VMOVUPS_STORE, all, Gpr.RAX.at(), ONE);
      a.add(Gpr.RAX, Gpr.RBX);
    }
    a.add(Gpr.R14, Float.BYTES);
    a.sub(Gpr.R15, 1);
    a.jump(Condition.NOT_EQUAL, row);
    frame.leave();
    return at;
  }

  private void constants(DType type) {
    a.mov(Gpr.RAX, 1L);
    a.kmovq(ONE, Gpr.RAX);
    Lanes.set(a, OFFSET, type == DType.Q8_0 ? 0x80808080 : 0x0f0f0f0f);
    // Each lane has the products of four weights: of a scale for 32 there are eight, for 16 four.
    for (int pair = 0; pair < PAIRS; pair++) {
      if (type == DType.Q6_K) {
        Lanes.set(a, places(pair), twoPlaces(4 * pair), twoPlaces(4 * pair + 2));
      } else {
        Lanes.set(a, places(pair), place(2 * pair), place(2 * pair + 1));
      }
    }
    switch (type) {
      case Q4_0 -> Lanes.set(a, SHIFTS, 0x04040404_00000000L, 0x04040404_00000000L);
      case Q4_K -> Lanes.set(a, SHIFTS, 0, place(4));
      case Q6_K -> {
        Lanes.set(a, SHIFTS, 0, place(2));
        Lanes.set(a, TO_THE_LEFT, place(4), place(2));
        Lanes.set(a, HIGH_PAIRS, 0x30303030);
        Lanes.set(a, TWICE, 0x03030202_01010000L, 0x07070606_05050404L);
      }
      default -> {}
    }
  }

  /** Returns eight bytes that are all the same. */
  private static long place(int place) {
    return place * 0x01010101_01010101L;
  }

  /** Returns four bytes of a place and four of the next. */
  private static long twoPlaces(int place) {
    return place(place) + 0x01010101_00000000L;
  }

  /** Walks the groups of the rows: eight at a time, then two, then one. */
  private void groups(DType type, int streams) {
    int bytes = type.blockBytes();
    Label eights = new Label();
    Label twos = new Label();
    Label single = new Label();
    Label end = new Label();
    a.place(eights);
    a.cmp(Gpr.RCX, RowMemory.SCALES);
    a.jump(Condition.LESS, twos);
    each(streams, RowMemory.SCALES * bytes, stream -> eight(type, bytes, stream));
    advance(RowMemory.SCALES);
    a.jump(eights);
    a.place(twos);
    a.cmp(Gpr.RCX, 2);
    a.jump(Condition.LESS, single);
    each(streams, 2 * bytes, stream -> two(type, bytes, stream));
    advance(2);
    a.jump(twos);
    a.place(single);
    a.cmp(Gpr.RCX, 1);
    a.jump(Condition.LESS, end);
    each(streams, bytes, stream -> one(type, stream));
    a.place(end);
  }

  /** Does something with what each stream has come to, and goes on behind it. */
  private void each(int streams, int bytes, IntConsumer with) {
    for (int stream = 0; stream < streams; stream++) {
      a.mov(Gpr.RDI, STREAM.get(stream));
      memory.prefetch(bytes);
      with.accept(stream);
      a.add(STREAM.get(stream), bytes);
    }
  }

  private void advance(int groups) {
    a.add(Gpr.RSI, PAIR / 2 * groups);
    a.add(Gpr.R8, Float.BYTES * groups);
    a.add(Gpr.R9, Float.BYTES * groups);
    a.sub(Gpr.RCX, groups);
  }

  private void eight(DType type, int bytes, int stream) {
    Zmm scales = v(10);
    Zmm upper = v(11);
    scales(scales, 0, bytes, 4);
    scales(upper, 4 * bytes, bytes, 4);
    a.op(Evex.VPUNPCKLQDQ, scales, scales, upper);
    a.op(Evex.VCVTPH2PS_YMM, scales, scales);
    a.op(Evex.VMULPS_YMM, scales, scales, Gpr.R8.at());
    for (int pair = 0; pair < PAIRS; pair++) {
      weights(type, pair, 2 * bytes * pair, bytes);
      Zmm scale = v(20);
      a.op(Evex.VPERMPS, scale, places(pair), scales);
      products(stream, pair, scale);
    }
  }

  private void two(DType type, int bytes, int stream) {
    Zmm scales = v(10);
    scales(scales, 0, bytes, 2);
    a.op(Evex.VCVTPH2PS_YMM, scales, scales);
    // What follows the two in memory is not used.
    a.op(Evex.VMULPS_YMM, scales, scales, Gpr.R8.at());
    weights(type, 0, 0, bytes);
    a.op(Evex.VPERMPS, scales, places(0), scales);
    products(stream, 0, scales);
  }

  private void one(DType type, int stream) {
    Zmm scale = v(10);
    half(scale, 0);
    a.broadcast(Evex.VMULPS_YMM, scale, scale, Gpr.R8.at());
    weights(type, 0, 0, 0);
    products(stream, 0, scale);
  }

  /** Gathers scales of groups that follow each other, f16 that begin each, in 128 bits. */
  private void scales(Zmm to, int first, int bytes, int count) {
    a.op(Vex.VPXOR, to, to, to);
    for (int i = 0; i < count; i++) {
      a.op(Vex.VPINSRW, to, to, Gpr.RDI.at(first + bytes * i), i);
    }
  }

  private static Zmm weights(int pair) {
    return v(12 + 2 * pair);
  }

  /**
   * Loads the weights of a pair.
   *
   * @param first where they begin
   * @param bytes from there to the second group, or 0 if there is none
   */
  private void weights(DType type, int pair, int first, int bytes) {
    Zmm weights = weights(pair);
    Mem one = Gpr.RDI.at(first + Short.BYTES);
    Mem other = Gpr.RDI.at(first + bytes + Short.BYTES);
    if (type == DType.Q8_0) {
      a.op(Evex.VMOVDQU8_YMM, weights, one);
      if (bytes > 0) {
        a.op(Evex.VINSERTI64X4, weights, weights, other, 1);
      }
      a.op(Evex.VPXORD, weights, weights, OFFSET);
      return;
    }
    a.op(Evex.VBROADCASTI32X4_YMM, weights, one);
    if (bytes > 0) {
      Zmm second = v(13 + 2 * pair);
      a.op(Evex.VBROADCASTI32X4_YMM, second, other);
      a.op(Evex.VINSERTI64X4, weights, weights, second, 1);
    }
    a.op(Evex.VPSRLVD, weights, weights, SHIFTS);
    a.op(Evex.VPANDD, weights, weights, LOW_NIBBLES);
  }

  /** Adds the products of a pair's inputs and weights, to which a constant was added. */
  private void products(int stream, int pair, Zmm scale) {
    Zmm products = v(13 + 2 * pair);
    a.op(Evex.VMOVUPS, products, Gpr.RSI.at(PAIR * pair + BEGIN));
    addProducts(stream, pair, scale, products);
  }

  private void addProducts(int stream, int pair, Zmm scale, Zmm products) {
    a.op(Evex.VPDPBUSD, products, weights(pair), Gpr.RSI.at(PAIR * pair));
    a.op(Evex.VCVTDQ2PS, products, products);
    a.op(Evex.VFMADD231PS, sum(stream, pair), products, scale);
  }

  /** Puts an f16 of the weights into all of 256 bits. */
  private void half(Zmm to, int bytes) {
    a.op(Evex.VPBROADCASTW_XMM, to, Gpr.RDI.at(bytes));
    a.op(Evex.VCVTPH2PS_YMM, to, to);
  }

  private void blocks(int streams, int bytes, IntConsumer block) {
    Label next = new Label();
    a.place(next);
    each(streams, bytes, block);
    advance(RowMemory.SCALES);
    a.jump(Condition.NOT_EQUAL, next);
  }

  /** Multiplies a block of Q4_K. */
  private void fourBits(int stream) {
    Zmm scales = v(10);
    Zmm least = v(11);
    SixBitScales.writeScaled(a, scales, least, places(0));
    a.op(Evex.VSHUFI32X4, least, scales, scales, 0x4e);
    a.op(Evex.VMULPS_YMM, scales, scales, Gpr.R8.at());
    a.op(Evex.VFMADD231PS_YMM, minima(stream), least, Gpr.R9.at());
    for (int pair = 0; pair < PAIRS; pair++) {
      Zmm weights = weights(pair);
      a.op(Evex.VBROADCASTI64X4, weights, Gpr.RDI.at(16 + 32 * pair));
      a.op(Evex.VPSRLVD, weights, weights, SHIFTS);
      a.op(Evex.VPANDD, weights, weights, LOW_NIBBLES);
      Zmm scale = v(20);
      a.op(Evex.VPERMPS, scale, places(pair), scales);
      Zmm products = v(13 + 2 * pair);
      a.op(Evex.VPXORD, products, products, products);
      addProducts(stream, pair, scale, products);
    }
  }

  /** Multiplies a block of Q6_K. */
  private void sixBits(int stream) {
    Zmm scales = v(10);
    Zmm factors = v(11);
    a.op(Evex.VPMOVSXBD, scales, Gpr.RDI.at(192));
    a.op(Evex.VCVTDQ2PS, scales, scales);
    a.op(Evex.VPBROADCASTW_YMM, factors, Gpr.RDI.at(208));
    a.op(Evex.VCVTPH2PS, factors, factors);
    a.op(Evex.VMULPS, scales, scales, factors);
    a.op(Evex.VMOVDQU8_YMM, factors, Gpr.R8.at());
    a.op(Evex.VPERMPS, factors, TWICE, factors);
    a.op(Evex.VMULPS, scales, scales, factors);
    for (int pair = 0; pair < PAIRS; pair++) {
      Zmm weights = weights(pair);
      Zmm upper = v(20);
      a.op(Evex.VMOVUPS, weights, Gpr.RDI.at(64 * (pair / 2)));
      a.op(Evex.VBROADCASTI64X4, upper, Gpr.RDI.at(128 + 32 * (pair / 2)));
      if (pair % 2 == 0) {
        a.op(Evex.VPSLLVD, upper, upper, TO_THE_LEFT);
      } else {
        a.shift(Evex.VPSRLD, weights, weights, 4);
        a.op(Evex.VPSRLVD, upper, upper, SHIFTS);
      }
      a.op(Evex.VPANDD, weights, weights, LOW_NIBBLES);
      a.op(Evex.VPANDD, upper, upper, HIGH_PAIRS);
      a.op(Evex.VPORD, weights, weights, upper);
      Zmm scale = v(21);
      a.op(Evex.VPERMPS, scale, places(pair), scales);
      products(stream, pair, scale);
    }
  }
}
