package io.github.vlm4j.backend.cpu.emitted;

import io.github.vlm4j.core.tensor.DType;

/**
 * The code that decodes rows of quantised blocks and rounds what they stand for to the nearest bf16
 * (ties to even, subnormal numbers to 0). The numbers before they are rounded are those of {@link
 * io.github.vlm4j.core.quant.BlockCodec} to the bit: products of an f16, of a scale and of q fit
 * the 24 bits of an f32, so that neither their order nor a fused subtraction changes anything.
 *
 * <p>Where q has four bits, a group's sixteen numbers are computed and rounded once, and q picks
 * from them.
 */
final class BlockRowCode {

  private static final int VECTOR_BYTES = 64;

  /** Bytes on the stack for what is on its way between registers. */
  private static final int BETWEEN = 3 * VECTOR_BYTES;

  /** Where among them the scales of a block of Q6_K are. */
  private static final int SCALES = 2 * VECTOR_BYTES;

  /** Groups of a block of Q4_K, each with a scale and a minimum. */
  private static final int GROUPS = 8;

  /** {@code first | second & third}, for vpternlogd. */
  private static final int OR_AND = 0xf8;

  private static final Zmm NUMBERS = new Zmm(31);
  private static final Zmm BY_HALVES = new Zmm(30);
  private static final Zmm UPPER_HALF = new Zmm(29);
  private static final Zmm LOW_NIBBLES = new Zmm(28);
  private static final Zmm HIGH_PAIRS = new Zmm(27);
  private static final Zmm CENTRE = new Zmm(26);
  private static final Zmm TO_LEFT = new Zmm(25);
  private static final Zmm TO_RIGHT = new Zmm(24);
  private static final Zmm FOURTH = new Zmm(23);

  private final Assembler a;
  private final CallingConvention convention;

  /** Creates what writes to an assembler. */
  BlockRowCode(Assembler assembler, CallingConvention convention) {
    this.a = assembler;
    this.convention = convention;
  }

  /** Returns whether there is code for a type. */
  static boolean takes(DType type) {
    return switch (type) {
      case Q8_0, Q4_0, Q4_K, Q6_K -> true;
      default -> false;
    };
  }

  /**
   * Writes the function that decodes rows of a type. Its arguments:
   *
   * <ol start="0">
   *   <li>the rows of blocks
   *   <li>the bytes before the first
   *   <li>the bytes from one to the next
   *   <li>where the rows in bf16 go
   *   <li>the bytes before the first
   *   <li>the bytes from one to the next
   *   <li>the blocks of a row, at least 1
   *   <li>the number of rows, at least 1
   * </ol>
   *
   * @return where it begins
   */
  int decode(DType type) {
    int at = a.position();
    Frame frame = new Frame(a, convention);
    a.mov(Gpr.R8, frame.argument(0));
    a.mov(Gpr.RAX, frame.argument(1));
    a.add(Gpr.R8, Gpr.RAX);
    a.mov(Gpr.R10, frame.argument(2));
    a.mov(Gpr.RSI, frame.argument(3));
    a.mov(Gpr.RAX, frame.argument(4));
    a.add(Gpr.RSI, Gpr.RAX);
    a.mov(Gpr.R11, frame.argument(5));
    a.mov(Gpr.R14, frame.argument(6));
    a.mov(Gpr.R15, frame.argument(7));
    a.mov(Gpr.R12, Gpr.RSP);
    a.sub(Gpr.RSP, BETWEEN);
    a.and(Gpr.RSP, -VECTOR_BYTES);
    constants(type);
    Label row = new Label();
    Label block = new Label();
    a.place(row);
    a.mov(Gpr.RDI, Gpr.R8);
    a.mov(Gpr.R9, Gpr.RSI);
    a.mov(Gpr.RCX, Gpr.R14);
    a.place(block);
    Lookahead.write(a, type.blockBytes());
    switch (type) {
      case Q8_0 -> eightBits();
      case Q4_0 -> fourBits();
      case Q4_K -> superFourBits();
      case Q6_K -> superSixBits();
      default -> throw new IllegalArgumentException(type + " is not stored in blocks");
    }
    a.add(Gpr.RDI, type.blockBytes());
    a.add(Gpr.R9, Short.BYTES * type.blockElements());
    a.sub(Gpr.RCX, 1);
    a.jump(Condition.NOT_EQUAL, block);
    a.add(Gpr.R8, Gpr.R10);
    a.add(Gpr.RSI, Gpr.R11);
    a.sub(Gpr.R15, 1);
    a.jump(Condition.NOT_EQUAL, row);
    a.mov(Gpr.RSP, Gpr.R12);
    frame.leave();
    return at;
  }

  private void constants(DType type) {
    switch (type) {
      case Q4_0 -> {
        lanes(NUMBERS, 0xfffefdfcfbfaf9f8L, 0x0706050403020100L);
        a.op(Evex.VCVTDQ2PS, NUMBERS, NUMBERS);
        lanes(BY_HALVES, 0x0404040400000000L, 0);
      }
      case Q4_K -> {
        lanes(NUMBERS, 0x0706050403020100L, 0x0f0e0d0c0b0a0908L);
        a.op(Evex.VCVTDQ2PS, NUMBERS, NUMBERS);
        lanes(BY_HALVES, 0, 0x0101010101010101L);
        constant(UPPER_HALF, 0x00100010);
        for (int i = 0; i < 2 * GROUPS; i++) {
          constant(lane(i), i);
        }
      }
      case Q6_K -> {
        constant(LOW_NIBBLES, 0x0f0f0f0f);
        constant(HIGH_PAIRS, 0x30303030);
        constant(CENTRE, 0x20202020);
        constant(FOURTH, 3);
        lanes(TO_LEFT, 0x0404040404040404L, 0x0202020202020202L);
        lanes(TO_RIGHT, 0, 0x0202020202020202L);
      }
      default -> {}
    }
  }

  private void constant(Zmm to, int value) {
    a.mov(Gpr.RAX, value);
    a.broadcast(to, Gpr.RAX);
  }

  /** Sets sixteen lanes to signed bytes, the first eight of them in the first number. */
  private void lanes(Zmm to, long first, long second) {
    a.mov(Gpr.RAX, first);
    a.mov(Gpr.RBX, second);
    a.pair(v(0), Gpr.RAX, Gpr.RBX);
    a.op(Evex.VPMOVSXBD, to, v(0));
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

  private void eightBits() {
    scale(v(0));
    for (int i = 1; i <= 2; i++) {
      a.op(Evex.VPMOVSXBD, v(i), Gpr.RDI.at(16 * i - 14));
      a.op(Evex.VCVTDQ2PS, v(i), v(i));
      a.op(Evex.VMULPS, v(i), v(i), v(0));
    }
    store(v(1), v(2), 0);
  }

  /** Of what q picks from, both halves are the same, as there are other bits above its four. */
  private void fourBits() {
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
  private void superFourBits() {
    scalesAndMinima();
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

  /** Leaves the eight scales, and then the eight minima, in a vector. */
  private void scalesAndMinima() {
    SixBitScales.write(a);
    a.pair(v(0), Gpr.RDX, Gpr.RAX);
    a.op(Evex.VPMOVZXBD, v(0), v(0));
    a.op(Evex.VCVTDQ2PS, v(0), v(0));
    a.op(Evex.VCVTPH2PS_XMM, v(1), Gpr.RDI.at());
    a.op(Evex.VPERMPS, v(1), BY_HALVES, v(1));
    a.op(Evex.VMULPS, v(0), v(0), v(1));
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

  /** Each half of a block is put together as 128 bytes, of which sixteen share a scale. */
  private void superSixBits() {
    a.op(Evex.VCVTPH2PS_XMM, v(1), Gpr.RDI.at(202));
    a.op(Evex.VPERMPS, v(1), FOURTH, v(1));
    a.op(Evex.VPMOVSXBD, v(0), Gpr.RDI.at(192));
    a.op(Evex.VCVTDQ2PS, v(0), v(0));
    a.op(Evex.VMULPS, v(0), v(0), v(1));
    a.op(Evex.VMOVUPS_STORE, v(0), Gpr.RSP.at(SCALES));
    for (int half = 0; half < 2; half++) {
      Zmm nibbles = v(2);
      Zmm pairs = v(3);
      Zmm q = v(4);
      Zmm upper = v(5);
      a.op(Evex.VMOVUPS, nibbles, Gpr.RDI.at(64 * half));
      a.op(Evex.VBROADCASTI64X4, pairs, Gpr.RDI.at(128 + 32 * half));
      a.op(Evex.VPANDD, q, nibbles, LOW_NIBBLES);
      a.op(Evex.VPSLLVD, upper, pairs, TO_LEFT);
      join(q, upper, 0);
      a.shift(Evex.VPSRLD, q, nibbles, 4);
      a.op(Evex.VPANDD, q, q, LOW_NIBBLES);
      a.op(Evex.VPSRLVD, upper, pairs, TO_RIGHT);
      join(q, upper, VECTOR_BYTES);
      for (int i = 0; i < 128; i += 32) {
        Zmm low = v(6 + i / 16);
        Zmm high = v(7 + i / 16);
        scaled(low, i, 8 * half + i / 16);
        scaled(high, i + 16, 8 * half + i / 16 + 1);
        store(low, high, 128 * half + i);
      }
    }
  }

  /** Stores 64 bytes q − 32, whose upper bits are among others. */
  private void join(Zmm q, Zmm upper, int to) {
    a.op(Evex.VPTERNLOGD, q, upper, HIGH_PAIRS, OR_AND);
    a.op(Evex.VPSUBB, q, q, CENTRE);
    a.op(Evex.VMOVUPS_STORE, q, Gpr.RSP.at(to));
  }

  private void scaled(Zmm to, int index, int group) {
    a.op(Evex.VPMOVSXBD, to, Gpr.RSP.at(index));
    a.op(Evex.VCVTDQ2PS, to, to);
    a.broadcast(Evex.VMULPS, to, to, Gpr.RSP.at(SCALES + Float.BYTES * group));
  }
}
