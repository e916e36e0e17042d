package io.github.vlm4j.backend.cpu.emitted;

import io.github.vlm4j.core.tensor.DType;
import java.util.List;

/**
 * The code that decodes weights into blocks of {@link WordCode}. Those of bf16 are rounded. Within
 * a block, those of Q8_0 and Q6_K are multiplied with their scale's share of the greatest of its
 * scales ({@code vpmulhrsw}) and rounded, to 4,096 steps at most: those of the greatest scale are
 * exact.
 */
final class WordBlockCode implements BlockPanelCode.Block {

  private static final int BLOCK_BYTES = WordCode.ROW_FLOATS * Float.BYTES;

  /** Where in a block the scale is. */
  private static final int SCALE = BLOCK_BYTES - Float.BYTES;

  /** The scales of Q6_K are for so many numbers. */
  private static final int SCALED = 16;

  /** Where on the stack shares are. */
  private static final int SHARES = 64;

  /** A shuffle of four pairs of words that swaps the two in the middle. */
  private static final int SWAPPED_MIDDLE = 0xd8;

  /** Shuffles of four lanes that bring halves and neighbours to each other's place. */
  private static final int HALVES = 0x4e;

  private static final int NEIGHBOURS = 0xb1;

  /** Numbers of Q8_0 and of Q6_K have so many bits fewer than words have steps. */
  private static final int SHIFT_EIGHT = 5;

  private static final int SHIFT_SIX = 7;

  private static final Zmm SIZE = v(15);
  private static final Zmm LEAST = v(14);

  /** What a share of one is; it is then packed to one less, which changes no number. */
  private static final Zmm WHOLE = v(13);

  private static final Zmm STEP = v(12);

  // What only Q6_K needs.
  private static final Zmm LOW_NIBBLES = v(11);
  private static final Zmm HIGH_PAIRS = v(10);
  private static final Zmm CENTRE = v(9);

  private final Assembler a;
  private final WordRounding rounding;

  /** Creates what writes to an assembler. */
  WordBlockCode(Assembler assembler) {
    this.a = assembler;
    this.rounding = new WordRounding(assembler);
  }

  private static Zmm v(int number) {
    return new Zmm(number);
  }

  @Override
  public List<DType> types() {
    return List.of(DType.BF16, DType.Q8_0, DType.Q6_K);
  }

  @Override
  public int weights(DType type) {
    return Math.max(WordCode.BLOCK, type.blockElements());
  }

  @Override
  public int floats(DType type) {
    return weights(type) / WordCode.BLOCK * WordCode.ROW_FLOATS;
  }

  @Override
  public void constants(DType type) {
    if (type == DType.BF16) {
      rounding.begin();
      YmmLanes.set(a, WordRounding.GREATEST, (float) WordCode.GREATEST_WEIGHT);
      return;
    }
    YmmLanes.set(a, SIZE, Integer.MAX_VALUE);
    YmmLanes.set(a, LEAST, 1e-30f);
    YmmLanes.set(a, WHOLE, 0x1p15f);
    YmmLanes.set(a, STEP, 1f / (1 << (type == DType.Q8_0 ? SHIFT_EIGHT : SHIFT_SIX)));
    if (type == DType.Q6_K) {
      YmmLanes.set(a, LOW_NIBBLES, 0x0f0f0f0f);
      YmmLanes.set(a, HIGH_PAIRS, 0x30303030);
      YmmLanes.set(a, CENTRE, 0x20202020);
    }
  }

  @Override
  public void decode(DType type) {
    switch (type) {
      case BF16 -> bf16();
      case Q8_0 -> eightBits();
      default -> superSixBits();
    }
  }

  private void bf16() {
    for (int i = 0; i < WordRounding.VECTORS; i++) {
      a.op(Vex.VPMOVZXWD, v(i), Gpr.RDI.at(16 * i));
      a.shift(Vex.VPSLLD, v(i), v(i), Short.SIZE);
    }
    rounding.round(Gpr.R9);
  }

  private void eightBits() {
    int bytes = DType.Q8_0.blockBytes();
    Zmm greatest = v(2);
    half(v(0), 0);
    half(v(1), bytes);
    a.op(Vex.VPAND, greatest, v(0), SIZE);
    a.op(Vex.VPAND, v(3), v(1), SIZE);
    // Without their signs, floats are ordered as whole numbers are, and NaN is above all.
    a.op(Vex.VPMAXSD, greatest, greatest, v(3));
    share(v(3), greatest);
    for (int block = 0; block < 2; block++) {
      Zmm share = v(block);
      a.op(Vex.VMULPS, share, share, v(3));
      a.op(Vex.VCVTPS2DQ, share, share);
      a.op(Vex.VPACKSSDW, share, share, share);
      for (int half = 0; half < 2; half++) {
        a.op(Vex.VPMOVSXBW, v(4), Gpr.RDI.at(bytes * block + 2 + 16 * half));
        words(v(4), SHIFT_EIGHT, share, 64 * block + 32 * half);
      }
    }
    a.op(Vex.VMULPS, greatest, greatest, STEP);
    a.op(Vex.VMOVSS_STORE, greatest, Gpr.R9.at(SCALE));
  }

  /** Puts an f16 of the block into all lanes. */
  private void half(Zmm to, int bytes) {
    a.op(Vex.VPBROADCASTW, to, Gpr.RDI.at(bytes));
    a.op(Vex.VCVTPH2PS, to, to);
  }

  /** Computes what scales are multiplied with to become shares of the greatest. */
  private void share(Zmm to, Zmm greatest) {
    a.op(Vex.VMAXPS, to, LEAST, greatest);
    a.op(Vex.VDIVPS, to, WHOLE, to);
  }

  /** Stores sixteen words in the order that {@link WordRounding} leaves. */
  private void words(Zmm numbers, int shift, Zmm share, int to) {
    a.shift(Vex.VPSLLW, numbers, numbers, shift);
    a.op(Vex.VPMULHRSW, numbers, numbers, share);
    a.op(Vex.VPERMQ, numbers, numbers, SWAPPED_MIDDLE);
    a.op(Vex.VMOVUPS_STORE, numbers, Gpr.R9.at(to));
  }

  private void superSixBits() {
    half(v(8), 208);
    for (int half = 0; half < 2; half++) {
      scales(half);
      for (int quarter = 0; quarter < 4; quarter++) {
        numbers(half, quarter);
      }
    }
  }

  /** Stores the scales of two blocks of words, and their eight shares of them. */
  private void scales(int half) {
    Zmm scales = v(0);
    Zmm greatest = v(1);
    Zmm moved = v(2);
    a.op(Vex.VPMOVSXBD, scales, Gpr.RDI.at(192 + 8 * half));
    a.op(Vex.VCVTDQ2PS, scales, scales);
    a.op(Vex.VPAND, greatest, scales, SIZE);
    for (int shuffle : new int[] {HALVES, NEIGHBOURS}) {
      a.op(Vex.VPSHUFD, moved, greatest, shuffle);
      a.op(Vex.VPMAXSD, greatest, greatest, moved);
    }
    share(moved, greatest);
    a.op(Vex.VMULPS, scales, scales, moved);
    a.op(Vex.VCVTPS2DQ, scales, scales);
    a.op(Vex.VPACKSSDW, scales, scales, scales);
    a.op(Vex.VMOVUPS_STORE, scales, Gpr.RSP.at(SHARES));
    a.op(Vex.VMULPS, greatest, greatest, v(8));
    a.op(Vex.VMULPS, greatest, greatest, STEP);
    a.op(Vex.VMOVSS_STORE, greatest, Gpr.R9.at(2 * BLOCK_BYTES * half + SCALE));
    a.op(Vex.VPERM2I128, greatest, greatest, greatest, 1);
    a.op(Vex.VMOVSS_STORE, greatest, Gpr.R9.at(2 * BLOCK_BYTES * half + BLOCK_BYTES + SCALE));
  }

  /** Decodes 32 numbers. */
  private void numbers(int half, int quarter) {
    Zmm q = v(3);
    Zmm upper = v(4);
    a.op(Vex.VMOVUPS, q, Gpr.RDI.at(64 * half + 32 * (quarter % 2)));
    if (quarter >= 2) {
      a.shift(Vex.VPSRLD, q, q, 4);
    }
    a.op(Vex.VPAND, q, q, LOW_NIBBLES);
    a.op(Vex.VMOVUPS, upper, Gpr.RDI.at(128 + 32 * half));
    switch (quarter) {
      case 0 -> a.shift(Vex.VPSLLD, upper, upper, 4);
      case 1 -> a.shift(Vex.VPSLLD, upper, upper, 2);
      case 3 -> a.shift(Vex.VPSRLD, upper, upper, 2);
      default -> {}
    }
    a.op(Vex.VPAND, upper, upper, HIGH_PAIRS);
    a.op(Vex.VPOR, q, q, upper);
    a.op(Vex.VPSUBB, q, q, CENTRE);
    a.op(Vex.VMOVUPS_STORE, q, Gpr.RSP.at());
    int block = BLOCK_BYTES * (2 * half + quarter / 2);
    for (int i = 0; i < 2; i++) {
      // Shares of a block of words lie twice in the half of their vector.
      int share = 16 * (quarter / 2) + Short.BYTES * (2 * (quarter % 2) + i);
      a.op(Vex.VPBROADCASTW, v(5 + i), Gpr.RSP.at(SHARES + share));
      a.op(Vex.VPMOVSXBW, v(3 + i), Gpr.RSP.at(SCALED * i));
      words(v(3 + i), SHIFT_SIX, v(5 + i), block + 64 * (quarter % 2) + 32 * i);
    }
  }
}
