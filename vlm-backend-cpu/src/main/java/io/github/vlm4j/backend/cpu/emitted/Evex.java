package io.github.vlm4j.backend.cpu.emitted;

/**
 * The vector instructions that the kernels use, in the EVEX encoding (Intel, "64 and IA-32
 * Architectures Software Developer's Manual", volume 2, 2.7).
 */
enum Evex {
  VMOVUPS(1, 0, 0, 0x10, 64),
  VMOVUPS_STORE(1, 0, 0, 0x11, 64),
  /** The lower 256 bits. */
  VMOVUPS_YMM_STORE(1, 0, 0, 0x11, 32, 1, 0),
  VMOVDQU16(1, 3, 1, 0x6f, 64),
  VPBROADCASTD(2, 1, 0, 0x58, 4),
  /** From a general-purpose register. */
  VPBROADCASTD_GPR(2, 1, 0, 0x7c, 4),
  VBROADCASTSS(2, 1, 0, 0x18, 4),

  VDPBF16PS(2, 2, 0, 0x52, 64),
  VPDPBUSD(2, 1, 0, 0x50, 64),
  VFMADD213PS(2, 1, 0, 0xa8, 64),
  VFMADD231PS(2, 1, 0, 0xb8, 64),
  VFMSUB213PS(2, 1, 0, 0xaa, 64),
  VADDPS(1, 0, 0, 0x58, 64),
  VSUBPS(1, 0, 0, 0x5c, 64),
  VMULPS(1, 0, 0, 0x59, 64),
  VDIVPS(1, 0, 0, 0x5e, 64),
  VMAXPS(1, 0, 0, 0x5f, 64),
  /** To a mask; a constant says what is compared for. */
  VCMPPS(1, 0, 0, 0xc2, 64),
  VRNDSCALEPS(3, 1, 0, 0x08, 64),
  /** Takes off the nearest number of so many bits of fraction; a constant says which and how. */
  VREDUCEPS(3, 1, 0, 0x56, 64),
  VSCALEFPS(2, 1, 0, 0x2c, 64),

  /** Two vectors of f32 to one of bf16, the second operand's in the upper half. */
  VCVTNE2PS2BF16(2, 3, 0, 0x72, 64),
  VCVTNEPS2BF16(2, 2, 0, 0x72, 64),
  VCVTDQ2PS(1, 0, 0, 0x5b, 64),
  VCVTPS2DQ(1, 1, 0, 0x5b, 64),

  VPXORD(1, 1, 0, 0xef, 64),
  VPORD(1, 1, 0, 0xeb, 64),
  VPANDD(1, 1, 0, 0xdb, 64),
  VPADDD(1, 1, 0, 0xfe, 64),
  VPSUBD(1, 1, 0, 0xfa, 64),
  VPMAXSD(2, 1, 0, 0x3d, 64),
  VPSUBB(1, 1, 0, 0xf8, 64),
  /** Any function of three bits, of which the destination is the first; a constant says which. */
  VPTERNLOGD(3, 1, 0, 0x25, 64),
  VPSLLD(1, 1, 0, 0x72, 64, 2, 6),
  VPSRLD(1, 1, 0, 0x72, 64, 2, 2),
  VPSRLW(1, 1, 0, 0x71, 64, 2, 2),
  VPSLLVD(2, 1, 0, 0x47, 64),
  VPSRLVD(2, 1, 0, 0x45, 64),

  VPUNPCKLDQ(1, 1, 0, 0x62, 64),
  VPUNPCKHDQ(1, 1, 0, 0x6a, 64),
  VPUNPCKLQDQ(1, 1, 1, 0x6c, 64),
  VPUNPCKHQDQ(1, 1, 1, 0x6d, 64),
  VSHUFI32X4(3, 1, 0, 0x43, 64),
  VPSHUFD(1, 1, 0, 0x70, 64),
  /** Lanes of the third operand, which the second's say. */
  VPERMPS(2, 1, 0, 0x16, 64),
  VPERMW(2, 1, 1, 0x8d, 64),
  VBROADCASTI64X4(2, 1, 1, 0x5b, 32),
  /** Replaces 256 bits, the lower or the upper, which a constant says. */
  VINSERTI64X4(3, 1, 1, 0x3a, 32),

  VPMOVZXWD(2, 1, 0, 0x33, 32),
  VPMOVZXBW(2, 1, 0, 0x30, 32),
  VPMOVZXBD(2, 1, 0, 0x31, 16),
  VPMOVSXBD(2, 1, 0, 0x21, 16),
  VPMOVSDB_STORE(2, 2, 0, 0x21, 16),

  /** From f16 in 256 bits. */
  VCVTPH2PS(2, 1, 0, 0x13, 32),
  /** From four f16 to 128 bits. */
  VCVTPH2PS_XMM(2, 1, 0, 0x13, 8, 0, 0),

  // The same in 256 bits.
  VMOVDQU8_YMM(1, 3, 0, 0x6f, 32, 1, 0),
  VPDPBUSD_YMM(2, 1, 0, 0x50, 32, 1, 0),
  VPXORD_YMM(1, 1, 0, 0xef, 32, 1, 0),
  VPORD_YMM(1, 1, 0, 0xeb, 32, 1, 0),
  VPANDD_YMM(1, 1, 0, 0xdb, 32, 1, 0),
  VPSLLD_YMM(1, 1, 0, 0x72, 32, 1, 6),
  VPSRLD_YMM(1, 1, 0, 0x72, 32, 1, 2),
  VPSRLVD_YMM(2, 1, 0, 0x45, 32, 1, 0),
  /** Bytes of the second operand, which the third's say, within halves. */
  VPSHUFB_YMM(2, 1, 0, 0x00, 32, 1, 0),
  VPERMILPS_YMM(2, 1, 0, 0x0c, 32, 1, 0),
  VMULPS_YMM(1, 0, 0, 0x59, 32, 1, 0),
  VFMADD231PS_YMM(2, 1, 0, 0xb8, 32, 1, 0),
  VCVTDQ2PS_YMM(1, 0, 0, 0x5b, 32, 1, 0),
  VCVTPH2PS_YMM(2, 1, 0, 0x13, 16, 1, 0),
  VPMOVZXBD_YMM(2, 1, 0, 0x31, 8, 1, 0),
  VPBROADCASTW_XMM(2, 1, 0, 0x79, 2, 0, 0),
  VPBROADCASTW_YMM(2, 1, 0, 0x79, 2, 1, 0),
  VBROADCASTI32X4_YMM(2, 1, 0, 0x5a, 16, 1, 0),
  VBROADCASTSD_YMM(2, 1, 1, 0x19, 8, 1, 0);

  /** Which table of opcodes: 1 for 0F, 2 for 0F38, 3 for 0F3A. */
  final int map;

  /** The prefix that is part of the opcode: 0 for none, 1 for 66, 2 for F3, 3 for F2. */
  final int prefix;

  final int w;
  final int opcode;

  /** The bytes of an operand in memory, in units of which short displacements are given. */
  final int memoryBytes;

  /** 0, 1 or 2 for 128, 256 or 512 bits. */
  final int length;

  /** What stands in the place of a register where the opcode has shifts by a constant. */
  final int extension;

  Evex(int map, int prefix, int w, int opcode, int memoryBytes) {
    this(map, prefix, w, opcode, memoryBytes, 2, 0);
  }

  Evex(int map, int prefix, int w, int opcode, int memoryBytes, int length, int extension) {
    this.map = map;
    this.prefix = prefix;
    this.w = w;
    this.opcode = opcode;
    this.memoryBytes = memoryBytes;
    this.length = length;
    this.extension = extension;
  }
}
