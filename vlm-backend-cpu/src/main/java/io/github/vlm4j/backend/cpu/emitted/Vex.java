package io.github.vlm4j.backend.cpu.emitted;

/**
 * Vector instructions of AVX2 and before, in the VEX encoding (Intel, "64 and IA-32 Architectures
 * Software Developer's Manual", volume 2, 2.3), which knows the first 16 registers. They have 256
 * bits unless their names say otherwise.
 */
enum Vex {
  VMOVUPS(1, 0, 0x10),
  VMOVUPS_STORE(1, 0, 0x11),
  VMOVUPS_XMM(1, 0, 0x10, 0, 0),
  VMOVUPS_XMM_STORE(1, 0, 0x11, 0, 0),
  /** The lowest lane. */
  VMOVSS_STORE(1, 2, 0x11, 0, 0),
  /** From a general-purpose register to the lowest lane. */
  VMOVD(1, 1, 0x6e, 0, 0),
  /** From a general-purpose register to the lower half of 128 bits, zeros above. */
  VMOVQ(1, 1, 0x6e, 0, 0, 1),
  /** From a general-purpose register to a half of 128 bits, which a constant says. */
  VPINSRQ(3, 1, 0x22, 0, 0, 1),
  /** Replaces one of eight numbers of 16 bits, which a constant says. */
  VPINSRW(1, 1, 0xc4, 0, 0),

  VBROADCASTSS(2, 1, 0x18),
  VBROADCASTSD(2, 1, 0x19),
  VBROADCASTI128(2, 1, 0x5a),
  VPBROADCASTD(2, 1, 0x58),
  VPBROADCASTW(2, 1, 0x79),

  VADDPS(1, 0, 0x58),
  /** Adds neighbours, of the second operand and of the third in turn, in each half. */
  VHADDPS(1, 3, 0x7c),
  VSUBPS(1, 0, 0x5c),
  VMULPS(1, 0, 0x59),
  VDIVPS(1, 0, 0x5e),
  VMAXPS(1, 0, 0x5f),
  /** Sets the flags by the lowest lanes, as integers without signs do. */
  VCOMISS(1, 0, 0x2f, 0, 0),
  VFMADD213PS(2, 1, 0xa8),
  VFMADD231PS(2, 1, 0xb8),
  /** Sets all bits of the lanes where a comparison, which a constant names, holds. */
  VCMPPS(1, 0, 0xc2),
  /** Loads the lanes whose signs the second operand has set, zeros in the others. */
  VMASKMOVPS(2, 1, 0x2c),
  /** Stores the lanes whose signs the second operand has set. */
  VMASKMOVPS_STORE(2, 1, 0x2e),

  /** The lowest lane, to f64. */
  VCVTSS2SD(1, 2, 0x5a, 0, 0),
  /** The lowest lane of f64, to f32. */
  VCVTSD2SS(1, 3, 0x5a, 0, 0),
  /** The lowest lanes of f64. */
  VADDSD(1, 3, 0x58, 0, 0),
  /** The lowest lanes of f64. */
  VDIVSD(1, 3, 0x5e, 0, 0),
  /** The lowest lane of f64, of the third operand. */
  VSQRTSD(1, 3, 0x51, 0, 0),

  VCVTDQ2PS(1, 0, 0x5b),
  VCVTPS2DQ(1, 1, 0x5b),
  /** From f16 in 128 bits. */
  VCVTPH2PS(2, 1, 0x13),
  VPMOVZXBD(2, 1, 0x31),
  VPMOVZXWD(2, 1, 0x33),
  VPMOVSXBD(2, 1, 0x21),
  VPMOVSXBW(2, 1, 0x20),
  VUNPCKLPS(1, 0, 0x14),
  VUNPCKHPS(1, 0, 0x15),
  VPUNPCKLWD(1, 1, 0x61),
  VPUNPCKHWD(1, 1, 0x69),
  VPACKSSDW(1, 1, 0x6b),
  VPACKSSWB(1, 1, 0x63),

  VPAND(1, 1, 0xdb),
  VPOR(1, 1, 0xeb),
  VPXOR(1, 1, 0xef),
  VPADDW(1, 1, 0xfd),
  VPADDD(1, 1, 0xfe),
  VPSUBB(1, 1, 0xf8),
  VPSUBD(1, 1, 0xfa),
  VPCMPGTD(1, 1, 0x66),
  VPMAXSD(2, 1, 0x3d),
  VPABSB(2, 1, 0x1c),
  /** Gives the bytes of the first operand the signs of the second's, and zero where those are. */
  VPSIGNB(2, 1, 0x08),
  /** Adds neighbouring products of unsigned and signed bytes, to 16 bits. */
  VPMADDUBSW(2, 1, 0x04),
  /** Adds neighbouring products of 16 bits, to 32. */
  VPMADDWD(1, 1, 0xf5),
  /** Products of 16 bits, their upper 17 bits rounded to 16. */
  VPMULHRSW(2, 1, 0x0b),
  VPSLLW(1, 1, 0x71, 1, 6),
  VPSLLD(1, 1, 0x72, 1, 6),
  VPSRLD(1, 1, 0x72, 1, 2),
  VPSRLVD(2, 1, 0x45),
  VPSLLVD(2, 1, 0x47),

  VPSHUFD(1, 1, 0x70),
  VSHUFPS(1, 0, 0xc6),
  /** Replaces one half by 128 bits, which a constant says. */
  VINSERTF128(3, 1, 0x18),
  VPERM2I128(3, 1, 0x46),
  VPERMD(2, 1, 0x36),
  /** Puts four pairs of lanes in an order that a constant says. */
  VPERMQ(3, 1, 0x00, 1, 0, 1),
  VPERMILPS(2, 1, 0x0c),

  /** Says how many rows and bytes each tile has, from 64 bytes in memory. */
  LDTILECFG(2, 0, 0x49, 0, 0),
  TILELOADD(2, 3, 0x4b, 0, 0),
  TILESTORED(2, 2, 0x4b, 0, 0),
  TILEZERO(2, 3, 0x49, 0, 0),
  /** Adds the products of pairs of bf16 to sums in f32. */
  TDPBF16PS(2, 2, 0x5c, 0, 0);

  /** Which table of opcodes: 1 for 0F, 2 for 0F38, 3 for 0F3A. */
  final int map;

  /** The prefix that is part of the opcode: 0 for none, 1 for 66, 2 for F3, 3 for F2. */
  final int prefix;

  final int opcode;

  /** 0 or 1 for 128 or 256 bits. */
  final int length;

  /** What stands in the place of a register where the opcode has shifts by a constant. */
  final int extension;

  final int w;

  Vex(int map, int prefix, int opcode) {
    this(map, prefix, opcode, 1, 0);
  }

  Vex(int map, int prefix, int opcode, int length, int extension) {
    this(map, prefix, opcode, length, extension, 0);
  }

  Vex(int map, int prefix, int opcode, int length, int extension, int w) {
    this.map = map;
    this.prefix = prefix;
    this.opcode = opcode;
    this.length = length;
    this.extension = extension;
    this.w = w;
  }
}
