package io.github.vlm4j.backend.cpu.emitted;

import static io.github.vlm4j.backend.cpu.emitted.AssemblerTest.code;
import static io.github.vlm4j.backend.cpu.emitted.AssemblerTest.z;
import static io.github.vlm4j.backend.cpu.emitted.Gpr.R10;
import static io.github.vlm4j.backend.cpu.emitted.Gpr.R12;
import static io.github.vlm4j.backend.cpu.emitted.Gpr.R8;
import static io.github.vlm4j.backend.cpu.emitted.Gpr.RAX;
import static io.github.vlm4j.backend.cpu.emitted.Gpr.RBX;
import static io.github.vlm4j.backend.cpu.emitted.Gpr.RDI;
import static io.github.vlm4j.backend.cpu.emitted.Gpr.RSI;
import static io.github.vlm4j.backend.cpu.emitted.Gpr.RSP;

import java.util.stream.Stream;
import org.junit.jupiter.params.provider.Arguments;

/** Instructions of AVX2 and before, and what GNU as 2.40 makes of them. */
final class VexEncodings {

  private VexEncodings() {}

  static Stream<Arguments> instructions() {
    return Stream.of(
        Arguments.of(
            "vcomiss xmm12, xmm9", "c4 41 78 2f e1", code(a -> a.op(Vex.VCOMISS, z(12), z(9)))),
        Arguments.of(
            "vmovups ymm1, [rdi + 34]",
            "c5 fc 10 4f 22",
            code(a -> a.op(Vex.VMOVUPS, z(1), RDI.at(34)))),
        Arguments.of(
            "vmovups [r12 + 32], ymm9",
            "c4 41 7c 11 4c 24 20",
            code(a -> a.op(Vex.VMOVUPS_STORE, z(9), R12.at(32)))),
        Arguments.of(
            "vmovups xmm6, [rsp + 32]",
            "c5 f8 10 74 24 20",
            code(a -> a.op(Vex.VMOVUPS_XMM, z(6), RSP.at(32)))),
        Arguments.of(
            "vmovups [rsp + 32], xmm15",
            "c5 78 11 7c 24 20",
            code(a -> a.op(Vex.VMOVUPS_XMM_STORE, z(15), RSP.at(32)))),
        Arguments.of(
            "vmovss [r8], xmm4",
            "c4 c1 7a 11 20",
            code(a -> a.op(Vex.VMOVSS_STORE, z(4), R8.at()))),
        Arguments.of(
            "vbroadcastss ymm6, dword ptr [r8 + 4]",
            "c4 c2 7d 18 70 04",
            code(a -> a.op(Vex.VBROADCASTSS, z(6), R8.at(4)))),
        Arguments.of(
            "vbroadcastsd ymm6, qword ptr [r12 + 8]",
            "c4 c2 7d 19 74 24 08",
            code(a -> a.op(Vex.VBROADCASTSD, z(6), R12.at(8)))),
        Arguments.of(
            "vbroadcasti128 ymm4, [rdi + 2]",
            "c4 e2 7d 5a 67 02",
            code(a -> a.op(Vex.VBROADCASTI128, z(4), RDI.at(2)))),
        Arguments.of(
            "vpbroadcastw ymm10, word ptr [rdi + 208]",
            "c4 62 7d 79 97 d0 00 00 00",
            code(a -> a.op(Vex.VPBROADCASTW, z(10), RDI.at(208)))),
        Arguments.of(
            "vaddps ymm0, ymm9, ymm1",
            "c5 b4 58 c1",
            code(a -> a.op(Vex.VADDPS, z(0), z(9), z(1)))),
        Arguments.of(
            "vhaddps ymm0, ymm9, ymm1",
            "c5 b7 7c c1",
            code(a -> a.op(Vex.VHADDPS, z(0), z(9), z(1)))),
        Arguments.of(
            "vmulps ymm4, ymm4, [r8]",
            "c4 c1 5c 59 20",
            code(a -> a.op(Vex.VMULPS, z(4), z(4), R8.at()))),
        Arguments.of(
            "vdivps ymm5, ymm12, ymm5",
            "c5 9c 5e ed",
            code(a -> a.op(Vex.VDIVPS, z(5), z(12), z(5)))),
        Arguments.of(
            "vcvtss2sd xmm10, xmm10, xmm10",
            "c4 41 2a 5a d2",
            code(a -> a.op(Vex.VCVTSS2SD, z(10), z(10), z(10)))),
        Arguments.of(
            "vcvtsd2ss xmm6, xmm6, xmm6",
            "c5 cb 5a f6",
            code(a -> a.op(Vex.VCVTSD2SS, z(6), z(6), z(6)))),
        Arguments.of(
            "vaddsd xmm10, xmm10, qword ptr [rsp + 88]",
            "c5 2b 58 54 24 58",
            code(a -> a.op(Vex.VADDSD, z(10), z(10), RSP.at(88)))),
        Arguments.of(
            "vdivsd xmm6, xmm6, xmm10",
            "c4 c1 4b 5e f2",
            code(a -> a.op(Vex.VDIVSD, z(6), z(6), z(10)))),
        Arguments.of(
            "vsqrtsd xmm10, xmm10, xmm10",
            "c4 41 2b 51 d2",
            code(a -> a.op(Vex.VSQRTSD, z(10), z(10), z(10)))),
        Arguments.of(
            "vmaxps ymm5, ymm10, ymm4",
            "c5 ac 5f ec",
            code(a -> a.op(Vex.VMAXPS, z(5), z(10), z(4)))),
        Arguments.of(
            "vfmadd231ps ymm0, ymm9, ymm11",
            "c4 c2 35 b8 c3",
            code(a -> a.op(Vex.VFMADD231PS, z(0), z(9), z(11)))),
        Arguments.of(
            "vsubps ymm5, ymm12, ymm9",
            "c4 c1 1c 5c e9",
            code(a -> a.op(Vex.VSUBPS, z(5), z(12), z(9)))),
        Arguments.of(
            "vfmadd213ps ymm3, ymm0, ymm14",
            "c4 c2 7d a8 de",
            code(a -> a.op(Vex.VFMADD213PS, z(3), z(0), z(14)))),
        Arguments.of(
            "vcmpnlt_uqps ymm2, ymm2, ymm7",
            "c5 ec c2 d7 15",
            code(a -> a.op(Vex.VCMPPS, z(2), z(2), z(7), 0x15))),
        Arguments.of(
            "vunpcklps ymm8, ymm0, ymm9",
            "c4 41 7c 14 c1",
            code(a -> a.op(Vex.VUNPCKLPS, z(8), z(0), z(9)))),
        Arguments.of(
            "vunpckhps ymm9, ymm2, ymm3",
            "c5 6c 15 cb",
            code(a -> a.op(Vex.VUNPCKHPS, z(9), z(2), z(3)))),
        Arguments.of(
            "vpunpcklwd ymm0, ymm15, ymm4",
            "c5 85 61 c4",
            code(a -> a.op(Vex.VPUNPCKLWD, z(0), z(15), z(4)))),
        Arguments.of(
            "vpunpckhwd ymm4, ymm15, ymm4",
            "c5 85 69 e4",
            code(a -> a.op(Vex.VPUNPCKHWD, z(4), z(15), z(4)))),
        Arguments.of(
            "vshufps ymm1, ymm8, ymm10, 0xee",
            "c4 c1 3c c6 ca ee",
            code(a -> a.op(Vex.VSHUFPS, z(1), z(8), z(10), 0xee))),
        Arguments.of(
            "vpmovsxbw ymm4, xmmword ptr [rdi + 18]",
            "c4 e2 7d 20 67 12",
            code(a -> a.op(Vex.VPMOVSXBW, z(4), RDI.at(18)))),
        Arguments.of(
            "vpaddw ymm9, ymm9, ymm14",
            "c4 41 35 fd ce",
            code(a -> a.op(Vex.VPADDW, z(9), z(9), z(14)))),
        Arguments.of(
            "vpsubb ymm3, ymm3, ymm9",
            "c4 c1 65 f8 d9",
            code(a -> a.op(Vex.VPSUBB, z(3), z(3), z(9)))),
        Arguments.of(
            "vpmulhrsw ymm4, ymm4, ymm1",
            "c4 e2 5d 0b e1",
            code(a -> a.op(Vex.VPMULHRSW, z(4), z(4), z(1)))),
        Arguments.of(
            "vpsllw ymm4, ymm4, 5",
            "c5 dd 71 f4 05",
            code(a -> a.shift(Vex.VPSLLW, z(4), z(4), 5))),
        Arguments.of(
            "vpermq ymm4, ymm4, 0xd8",
            "c4 e3 fd 00 e4 d8",
            code(a -> a.op(Vex.VPERMQ, z(4), z(4), 0xd8))),
        Arguments.of(
            "vpinsrw xmm10, xmm10, word ptr [rdi + 34], 1",
            "c5 29 c4 57 22 01",
            code(a -> a.op(Vex.VPINSRW, z(10), z(10), RDI.at(34), 1))),
        Arguments.of(
            "vpinsrw xmm11, xmm11, word ptr [r10], 7",
            "c4 41 21 c4 1a 07",
            code(a -> a.op(Vex.VPINSRW, z(11), z(11), R10.at(), 7))),
        Arguments.of(
            "vinsertf128 ymm3, ymm3, [rbx + 2*rsi + 16], 1",
            "c4 e3 65 18 5c 73 10 01",
            code(a -> a.op(Vex.VINSERTF128, z(3), z(3), RBX.plus(RSI, 2).plus(16), 1))),
        Arguments.of(
            "vinsertf128 ymm12, ymm12, [rbx], 1",
            "c4 63 1d 18 23 01",
            code(a -> a.op(Vex.VINSERTF128, z(12), z(12), RBX.at(), 1))),
        Arguments.of(
            "vmaskmovps ymm5, ymm15, [r8 + 32]",
            "c4 c2 05 2c 68 20",
            code(a -> a.op(Vex.VMASKMOVPS, z(5), z(15), R8.at(32)))),
        Arguments.of(
            "vmaskmovps [r10 + 32], ymm15, ymm5",
            "c4 c2 05 2e 6a 20",
            code(a -> a.op(Vex.VMASKMOVPS_STORE, z(5), z(15), R10.at(32)))),
        Arguments.of(
            "vpcmpgtd ymm15, ymm15, ymm12",
            "c4 41 05 66 fc",
            code(a -> a.op(Vex.VPCMPGTD, z(15), z(15), z(12)))),
        Arguments.of(
            "vcvtdq2ps ymm8, ymm9", "c4 41 7c 5b c1", code(a -> a.op(Vex.VCVTDQ2PS, z(8), z(9)))),
        Arguments.of(
            "vcvtps2dq ymm3, ymm2", "c5 fd 5b da", code(a -> a.op(Vex.VCVTPS2DQ, z(3), z(2)))),
        Arguments.of(
            "vcvtph2ps ymm7, xmm7", "c4 e2 7d 13 ff", code(a -> a.op(Vex.VCVTPH2PS, z(7), z(7)))),
        Arguments.of(
            "vpmovzxbd ymm13, qword ptr [r12]",
            "c4 42 7d 31 2c 24",
            code(a -> a.op(Vex.VPMOVZXBD, z(13), R12.at()))),
        Arguments.of(
            "vpmovsxbd ymm4, qword ptr [rdi + 192]",
            "c4 e2 7d 21 a7 c0 00 00 00",
            code(a -> a.op(Vex.VPMOVSXBD, z(4), RDI.at(192)))),
        Arguments.of(
            "vpackssdw ymm0, ymm0, ymm1",
            "c5 fd 6b c1",
            code(a -> a.op(Vex.VPACKSSDW, z(0), z(0), z(1)))),
        Arguments.of(
            "vpacksswb ymm0, ymm0, ymm10",
            "c4 c1 7d 63 c2",
            code(a -> a.op(Vex.VPACKSSWB, z(0), z(0), z(10)))),
        Arguments.of(
            "vpand ymm4, ymm4, ymm14",
            "c4 c1 5d db e6",
            code(a -> a.op(Vex.VPAND, z(4), z(4), z(14)))),
        Arguments.of(
            "vpor ymm4, ymm4, ymm5", "c5 dd eb e5", code(a -> a.op(Vex.VPOR, z(4), z(4), z(5)))),
        Arguments.of(
            "vpxor ymm0, ymm1, ymm2", "c5 f5 ef c2", code(a -> a.op(Vex.VPXOR, z(0), z(1), z(2)))),
        Arguments.of(
            "vpaddd ymm9, ymm9, [rsi + 96]",
            "c5 35 fe 4e 60",
            code(a -> a.op(Vex.VPADDD, z(9), z(9), RSI.at(96)))),
        Arguments.of(
            "vpsubd ymm6, ymm8, ymm6",
            "c5 bd fa f6",
            code(a -> a.op(Vex.VPSUBD, z(6), z(8), z(6)))),
        Arguments.of(
            "vpmaxsd ymm4, ymm4, ymm5",
            "c4 e2 5d 3d e5",
            code(a -> a.op(Vex.VPMAXSD, z(4), z(4), z(5)))),
        Arguments.of(
            "vpabsb ymm4, ymm9", "c4 c2 7d 1c e1", code(a -> a.op(Vex.VPABSB, z(4), z(9)))),
        Arguments.of(
            "vpsignb ymm5, ymm5, ymm4",
            "c4 e2 55 08 ec",
            code(a -> a.op(Vex.VPSIGNB, z(5), z(5), z(4)))),
        Arguments.of(
            "vpmaddubsw ymm12, ymm8, [rsi + 64]",
            "c4 62 3d 04 66 40",
            code(a -> a.op(Vex.VPMADDUBSW, z(12), z(8), RSI.at(64)))),
        Arguments.of(
            "vpmaddwd ymm5, ymm5, ymm15",
            "c4 c1 55 f5 ef",
            code(a -> a.op(Vex.VPMADDWD, z(5), z(5), z(15)))),
        Arguments.of(
            "vpslld ymm5, ymm9, 4",
            "c4 c1 55 72 f1 04",
            code(a -> a.shift(Vex.VPSLLD, z(5), z(9), 4))),
        Arguments.of(
            "vpsrld ymm12, ymm4, 4",
            "c5 9d 72 d4 04",
            code(a -> a.shift(Vex.VPSRLD, z(12), z(4), 4))),
        Arguments.of(
            "vpsllvd ymm15, ymm15, ymm12",
            "c4 42 05 47 fc",
            code(a -> a.op(Vex.VPSLLVD, z(15), z(15), z(12)))),
        Arguments.of(
            "vpsrlvd ymm4, ymm4, ymm13",
            "c4 c2 5d 45 e5",
            code(a -> a.op(Vex.VPSRLVD, z(4), z(4), z(13)))),
        Arguments.of(
            "vpshufd ymm5, ymm4, 0x4e",
            "c5 fd 70 ec 4e",
            code(a -> a.op(Vex.VPSHUFD, z(5), z(4), 0x4e))),
        Arguments.of(
            "vshufps ymm2, ymm0, ymm9, 0xdd",
            "c4 c1 7c c6 d1 dd",
            code(a -> a.op(Vex.VSHUFPS, z(2), z(0), z(9), 0xdd))),
        Arguments.of(
            "vperm2i128 ymm5, ymm4, ymm12, 1",
            "c4 c3 5d 46 ec 01",
            code(a -> a.op(Vex.VPERM2I128, z(5), z(4), z(12), 1))),
        Arguments.of(
            "vpermd ymm0, ymm9, ymm10",
            "c4 c2 35 36 c2",
            code(a -> a.op(Vex.VPERMD, z(0), z(9), z(10)))),
        Arguments.of(
            "vpermilps ymm6, ymm6, ymm13",
            "c4 c2 4d 0c f5",
            code(a -> a.op(Vex.VPERMILPS, z(6), z(6), z(13)))),
        Arguments.of(
            "vfmadd213ps ymm3, ymm14, [rsp + 96]",
            "c4 e2 0d a8 5c 24 60",
            code(a -> a.op(Vex.VFMADD213PS, z(3), z(14), RSP.at(96)))),
        Arguments.of(
            "vpmovzxwd ymm7, [rax + 112]",
            "c4 e2 7d 33 78 70",
            code(a -> a.op(Vex.VPMOVZXWD, z(7), RAX.at(112)))));
  }
}
