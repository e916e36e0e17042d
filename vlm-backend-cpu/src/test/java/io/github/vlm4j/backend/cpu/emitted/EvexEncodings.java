package io.github.vlm4j.backend.cpu.emitted;

import static io.github.vlm4j.backend.cpu.emitted.AssemblerTest.code;
import static io.github.vlm4j.backend.cpu.emitted.AssemblerTest.k;
import static io.github.vlm4j.backend.cpu.emitted.AssemblerTest.z;
import static io.github.vlm4j.backend.cpu.emitted.Gpr.R10;
import static io.github.vlm4j.backend.cpu.emitted.Gpr.R11;
import static io.github.vlm4j.backend.cpu.emitted.Gpr.R12;
import static io.github.vlm4j.backend.cpu.emitted.Gpr.R13;
import static io.github.vlm4j.backend.cpu.emitted.Gpr.R15;
import static io.github.vlm4j.backend.cpu.emitted.Gpr.R8;
import static io.github.vlm4j.backend.cpu.emitted.Gpr.R9;
import static io.github.vlm4j.backend.cpu.emitted.Gpr.RAX;
import static io.github.vlm4j.backend.cpu.emitted.Gpr.RBP;
import static io.github.vlm4j.backend.cpu.emitted.Gpr.RBX;
import static io.github.vlm4j.backend.cpu.emitted.Gpr.RCX;
import static io.github.vlm4j.backend.cpu.emitted.Gpr.RDI;
import static io.github.vlm4j.backend.cpu.emitted.Gpr.RDX;
import static io.github.vlm4j.backend.cpu.emitted.Gpr.RSI;
import static io.github.vlm4j.backend.cpu.emitted.Gpr.RSP;

import java.util.stream.Stream;
import org.junit.jupiter.params.provider.Arguments;

/** Instructions of AVX-512 and of general-purpose registers, and what GNU as 2.40 makes of them. */
final class EvexEncodings {

  private EvexEncodings() {}

  static Stream<Arguments> instructions() {
    return Stream.of(
        Arguments.of(
            "vreduceps zmm21, zmm12, 9",
            "62 c3 7d 48 56 ec 09",
            code(a -> a.op(Evex.VREDUCEPS, z(21), z(12), 9))),
        Arguments.of(
            "vrndscaleps zmm1, zmm18, 8",
            "62 b3 7d 48 08 ca 08",
            code(a -> a.op(Evex.VRNDSCALEPS, z(1), z(18), 8))),
        Arguments.of(
            "vcmpnlt_uqps k2, zmm18, zmm3",
            "62 f1 6c 40 c2 d3 15",
            code(a -> a.op(Evex.VCMPPS, k(2), z(18), z(3), 0x15))),
        Arguments.of(
            "vpandd zmm4{k2}{z}, zmm5, zmm26",
            "62 91 55 ca db e2",
            code(a -> a.op(Evex.VPANDD, z(4), z(5), z(26), k(2)))),
        Arguments.of(
            "vdivps zmm1, zmm18, zmm3",
            "62 f1 6c 40 5e cb",
            code(a -> a.op(Evex.VDIVPS, z(1), z(18), z(3)))),
        Arguments.of(
            "vpmaxsd zmm1, zmm18, zmm3",
            "62 f2 6d 40 3d cb",
            code(a -> a.op(Evex.VPMAXSD, z(1), z(18), z(3)))),
        Arguments.of(
            "vscalefps zmm1, zmm18, zmm3",
            "62 f2 6d 40 2c cb",
            code(a -> a.op(Evex.VSCALEFPS, z(1), z(18), z(3)))),
        Arguments.of(
            "vpshufd zmm17, zmm2, 0x4e",
            "62 e1 7d 48 70 ca 4e",
            code(a -> a.op(Evex.VPSHUFD, z(17), z(2), 0x4e))),
        Arguments.of(
            "vfmadd213ps zmm12, zmm13, zmm14",
            "62 52 15 48 a8 e6",
            code(a -> a.op(Evex.VFMADD213PS, z(12), z(13), z(14)))),
        Arguments.of(
            "vpbroadcastd zmm21, r9d", "62 c2 7d 48 7c e9", code(a -> a.broadcast(z(21), R9))),
        Arguments.of(
            "ldtilecfg [r12 + 8]", "c4 c2 78 49 44 24 08", code(a -> a.configureTiles(R12.at(8)))),
        Arguments.of("ldmxcsr [rsp + 8]", "0f ae 54 24 08", code(a -> a.ldmxcsr(RSP.at(8)))),
        Arguments.of("stmxcsr [r12]", "41 0f ae 1c 24", code(a -> a.stmxcsr(R12.at()))),
        Arguments.of("tilerelease", "c4 e2 78 49 c0", code(a -> a.releaseTiles())),
        Arguments.of(
            "tileloadd tmm5, [rdi + r9*1 + 64]",
            "c4 a2 7b 4b 6c 0f 40",
            code(a -> a.op(Vex.TILELOADD, new Tmm(5), RDI.plus(R9, 1).plus(64)))),
        Arguments.of(
            "tilestored [r10 + r11*1], tmm3",
            "c4 82 7a 4b 1c 1a",
            code(a -> a.op(Vex.TILESTORED, new Tmm(3), R10.plus(R11, 1)))),
        Arguments.of("tilezero tmm5", "c4 e2 7b 49 e8", code(a -> a.clear(new Tmm(5)))),
        Arguments.of(
            "tdpbf16ps tmm2, tmm5, tmm7",
            "c4 e2 42 5c d5",
            code(a -> a.op(Vex.TDPBF16PS, new Tmm(2), new Tmm(5), new Tmm(7)))),
        Arguments.of("mov rax, rbx", "48 89 d8", code(a -> a.mov(RAX, RBX))),
        Arguments.of(
            "mov r15, [rdi + rcx*4 + 8]",
            "4c 8b 7c 8f 08",
            code(a -> a.mov(R15, RDI.plus(RCX, 4).plus(8)))),
        Arguments.of("mov [rsp + 16], r9", "4c 89 4c 24 10", code(a -> a.mov(RSP.at(16), R9))),
        Arguments.of("mov [rdx + 4], eax", "89 42 04", code(a -> a.mov32(RDX.at(4), RAX))),
        Arguments.of(
            "mov r12, [rsp + 0x400]",
            "4c 8b a4 24 00 04 00 00",
            code(a -> a.mov(R12, RSP.at(1024)))),
        Arguments.of(
            "movsxd rbp, dword ptr [rsi + 4]", "48 63 6e 04", code(a -> a.movsxd(RBP, RSI.at(4)))),
        Arguments.of("mov eax, 7", "b8 07 00 00 00", code(a -> a.mov(RAX, 7))),
        Arguments.of(
            "movabs r10, 0x123456789abcdef0",
            "49 ba f0 de bc 9a 78 56 34 12",
            code(a -> a.mov(R10, 0x123456789abcdef0L))),
        Arguments.of(
            "lea r13, [rdi + rbp*2]", "4c 8d 2c 6f", code(a -> a.lea(R13, RDI.plus(RBP, 2)))),
        Arguments.of(
            "movzx ebx, word ptr [rdi + 34]", "0f b7 5f 22", code(a -> a.movzx16(RBX, RDI.at(34)))),
        Arguments.of(
            "movzx r9d, word ptr [r12]", "45 0f b7 0c 24", code(a -> a.movzx16(R9, R12.at()))),
        Arguments.of(
            "prefetcht0 byte ptr [rdi + 0x840]",
            "0f 18 8f 40 08 00 00",
            code(a -> a.prefetch(RDI.at(0x840)))),
        Arguments.of("prefetcht0 byte ptr [r10]", "41 0f 18 0a", code(a -> a.prefetch(R10.at()))),
        Arguments.of(
            "prefetchw byte ptr [r12 + 0x7f]",
            "41 0f 0d 4c 24 7f",
            code(a -> a.prefetchToWrite(R12.at(0x7f)))),
        Arguments.of(
            "prefetchw byte ptr [rdi]", "0f 0d 0f", code(a -> a.prefetchToWrite(RDI.at()))),
        Arguments.of("lea rax, [r13 + 0]", "49 8d 45 00", code(a -> a.lea(RAX, R13.at()))),
        Arguments.of(
            "lea rbx, [r12 + r12*1 + 0]", "4b 8d 1c 24", code(a -> a.lea(RBX, R12.plus(R12, 1)))),
        Arguments.of("add rcx, 1", "48 83 c1 01", code(a -> a.add(RCX, 1))),
        Arguments.of("add r15, 0x100", "49 81 c7 00 01 00 00", code(a -> a.add(R15, 0x100))),
        Arguments.of("add rdi, r11", "4c 01 df", code(a -> a.add(RDI, R11))),
        Arguments.of("sub rsp, 0x48", "48 83 ec 48", code(a -> a.sub(RSP, 0x48))),
        Arguments.of("cmp rcx, 6", "48 83 f9 06", code(a -> a.cmp(RCX, 6))),
        Arguments.of("and rdx, 63", "48 83 e2 3f", code(a -> a.and(Gpr.RDX, 63))),
        Arguments.of("test rcx, 3", "48 f7 c1 03 00 00 00", code(a -> a.test(Gpr.RCX, 3))),
        Arguments.of("shl rax, 4", "48 c1 e0 04", code(a -> a.shl(RAX, 4))),
        Arguments.of("shr r14, 1", "49 d1 ee", code(a -> a.shr(Gpr.R14, 1))),
        Arguments.of("neg rcx", "48 f7 d9", code(a -> a.neg(RCX))),
        Arguments.of("push rbx", "53", code(a -> a.push(RBX))),
        Arguments.of("push r12", "41 54", code(a -> a.push(R12))),
        Arguments.of("pop r12", "41 5c", code(a -> a.pop(R12))),
        Arguments.of("pop rbx", "5b", code(a -> a.pop(RBX))),
        Arguments.of("cpuid", "0f a2", code(a -> a.cpuid())),
        Arguments.of("xgetbv", "0f 01 d0", code(a -> a.xgetbv())),
        Arguments.of("ret", "c3", code(a -> a.ret())),
        Arguments.of("vzeroupper", "c5 f8 77", code(a -> a.vzeroupper())),
        Arguments.of("kmovq k1, rax", "c4 e1 fb 92 c8", code(a -> a.kmovq(k(1), RAX))),
        Arguments.of(
            "vmovups zmm0, [rdi]",
            "62 f1 7c 48 10 07",
            code(a -> a.op(Evex.VMOVUPS, z(0), RDI.at()))),
        Arguments.of(
            "vmovups zmm31, [r13 + 64]",
            "62 41 7c 48 10 7d 01",
            code(a -> a.op(Evex.VMOVUPS, z(31), R13.at(64)))),
        Arguments.of(
            "vmovups zmm17, [r12 + rcx*4 + 0x1000]",
            "62 c1 7c 48 10 4c 8c 40",
            code(a -> a.op(Evex.VMOVUPS, z(17), R12.plus(RCX, 4).plus(4096)))),
        Arguments.of(
            "vmovups zmm3, [rdx + 3]",
            "62 f1 7c 48 10 9a 03 00 00 00",
            code(a -> a.op(Evex.VMOVUPS, z(3), RDX.at(3)))),
        Arguments.of(
            "vmovups [r10 + r11*2 - 64], zmm9",
            "62 11 7c 48 11 4c 5a ff",
            code(a -> a.op(Evex.VMOVUPS_STORE, z(9), R10.plus(R11, 2).plus(-64)))),
        Arguments.of(
            "vmovups [rax]{k1}, zmm30",
            "62 61 7c 49 11 30",
            code(a -> a.op(Evex.VMOVUPS_STORE, z(30), RAX.at(), k(1)))),
        Arguments.of(
            "vmovups zmm5{k1}{z}, [rax]",
            "62 f1 7c c9 10 28",
            code(a -> a.op(Evex.VMOVUPS, z(5), RAX.at(), k(1)))),
        Arguments.of(
            "vmovdqu16 zmm2{k3}{z}, [r8 + r9]",
            "62 91 ff cb 6f 14 08",
            code(a -> a.op(Evex.VMOVDQU16, z(2), R8.plus(R9, 1), k(3)))),
        Arguments.of(
            "vpbroadcastd zmm28, dword ptr [rbx + rcx*4 + 12]",
            "62 62 7d 48 58 64 8b 03",
            code(a -> a.op(Evex.VPBROADCASTD, z(28), RBX.plus(RCX, 4).plus(12)))),
        Arguments.of(
            "vpbroadcastd zmm28, xmm20",
            "62 22 7d 48 58 e4",
            code(a -> a.op(Evex.VPBROADCASTD, z(28), z(20)))),
        Arguments.of(
            "vbroadcastss zmm1, dword ptr [rax]",
            "62 f2 7d 48 18 08",
            code(a -> a.op(Evex.VBROADCASTSS, z(1), RAX.at()))),
        Arguments.of(
            "vdpbf16ps zmm0, zmm24, zmm28",
            "62 92 3e 40 52 c4",
            code(a -> a.op(Evex.VDPBF16PS, z(0), z(24), z(28)))),
        Arguments.of(
            "vdpbf16ps zmm23, zmm7, [rdx + 128]",
            "62 e2 46 48 52 7a 02",
            code(a -> a.op(Evex.VDPBF16PS, z(23), z(7), RDX.at(128)))),
        Arguments.of(
            "vdpbf16ps zmm8, zmm26, dword ptr [rbx + rcx*4 + 8]{1to16}",
            "62 72 2e 50 52 44 8b 02",
            code(a -> a.broadcast(Evex.VDPBF16PS, z(8), z(26), RBX.plus(RCX, 4).plus(8)))),
        Arguments.of(
            "vpdpbusd zmm1, zmm25, zmm30",
            "62 92 35 40 50 ce",
            code(a -> a.op(Evex.VPDPBUSD, z(1), z(25), z(30)))),
        Arguments.of(
            "vfmadd231ps zmm12, zmm13, zmm14",
            "62 52 15 48 b8 e6",
            code(a -> a.op(Evex.VFMADD231PS, z(12), z(13), z(14)))),
        Arguments.of(
            "vfmadd231ps zmm12, zmm13, dword ptr [rax]{1to16}",
            "62 72 15 58 b8 20",
            code(a -> a.broadcast(Evex.VFMADD231PS, z(12), z(13), RAX.at()))),
        Arguments.of(
            "vcvtne2ps2bf16 zmm1, zmm2, zmm19",
            "62 b2 6f 48 72 cb",
            code(a -> a.op(Evex.VCVTNE2PS2BF16, z(1), z(2), z(19)))),
        Arguments.of(
            "vcvtneps2bf16 ymm17, zmm2",
            "62 e2 7e 48 72 ca",
            code(a -> a.op(Evex.VCVTNEPS2BF16, z(17), z(2)))),
        Arguments.of(
            "vcvtdq2ps zmm1, zmm18",
            "62 b1 7c 48 5b ca",
            code(a -> a.op(Evex.VCVTDQ2PS, z(1), z(18)))),
        Arguments.of(
            "vcvtps2dq zmm1, zmm18",
            "62 b1 7d 48 5b ca",
            code(a -> a.op(Evex.VCVTPS2DQ, z(1), z(18)))),
        Arguments.of(
            "vaddps zmm1, zmm18, zmm3",
            "62 f1 6c 40 58 cb",
            code(a -> a.op(Evex.VADDPS, z(1), z(18), z(3)))),
        Arguments.of(
            "vsubps zmm1, zmm18, zmm3",
            "62 f1 6c 40 5c cb",
            code(a -> a.op(Evex.VSUBPS, z(1), z(18), z(3)))),
        Arguments.of(
            "vmulps zmm1, zmm18, zmm3",
            "62 f1 6c 40 59 cb",
            code(a -> a.op(Evex.VMULPS, z(1), z(18), z(3)))),
        Arguments.of(
            "vmaxps zmm1, zmm18, zmm3",
            "62 f1 6c 40 5f cb",
            code(a -> a.op(Evex.VMAXPS, z(1), z(18), z(3)))),
        Arguments.of(
            "vpxord zmm4, zmm4, zmm4",
            "62 f1 5d 48 ef e4",
            code(a -> a.op(Evex.VPXORD, z(4), z(4), z(4)))),
        Arguments.of(
            "vpord zmm4, zmm5, zmm6",
            "62 f1 55 48 eb e6",
            code(a -> a.op(Evex.VPORD, z(4), z(5), z(6)))),
        Arguments.of(
            "vpandd zmm4, zmm5, zmm6",
            "62 f1 55 48 db e6",
            code(a -> a.op(Evex.VPANDD, z(4), z(5), z(6)))),
        Arguments.of(
            "vpaddd zmm4, zmm5, zmm6",
            "62 f1 55 48 fe e6",
            code(a -> a.op(Evex.VPADDD, z(4), z(5), z(6)))),
        Arguments.of(
            "vpsubd zmm4, zmm5, zmm6",
            "62 f1 55 48 fa e6",
            code(a -> a.op(Evex.VPSUBD, z(4), z(5), z(6)))),
        Arguments.of(
            "vpslld zmm21, zmm2, 16",
            "62 f1 55 40 72 f2 10",
            code(a -> a.shift(Evex.VPSLLD, z(21), z(2), 16))),
        Arguments.of(
            "vpunpckldq zmm1, zmm18, zmm3",
            "62 f1 6d 40 62 cb",
            code(a -> a.op(Evex.VPUNPCKLDQ, z(1), z(18), z(3)))),
        Arguments.of(
            "vpunpckhdq zmm1, zmm18, zmm3",
            "62 f1 6d 40 6a cb",
            code(a -> a.op(Evex.VPUNPCKHDQ, z(1), z(18), z(3)))),
        Arguments.of(
            "vpunpcklqdq zmm1, zmm18, zmm3",
            "62 f1 ed 40 6c cb",
            code(a -> a.op(Evex.VPUNPCKLQDQ, z(1), z(18), z(3)))),
        Arguments.of(
            "vpunpckhqdq zmm1, zmm18, zmm3",
            "62 f1 ed 40 6d cb",
            code(a -> a.op(Evex.VPUNPCKHQDQ, z(1), z(18), z(3)))),
        Arguments.of(
            "vshufi32x4 zmm1, zmm18, zmm3, 0x88",
            "62 f3 6d 40 43 cb 88",
            code(a -> a.op(Evex.VSHUFI32X4, z(1), z(18), z(3), 0x88))),
        Arguments.of(
            "vpmovzxwd zmm1, ymmword ptr [rax + 32]",
            "62 f2 7d 48 33 48 01",
            code(a -> a.op(Evex.VPMOVZXWD, z(1), RAX.at(32)))),
        Arguments.of(
            "vpmovsdb [rax + 16], zmm3",
            "62 f2 7e 48 21 58 01",
            code(a -> a.op(Evex.VPMOVSDB_STORE, z(3), RAX.at(16)))),
        Arguments.of(
            "vmovups [rax + 4]{k1}, ymm3",
            "62 f1 7c 29 11 98 04 00 00 00",
            code(a -> a.op(Evex.VMOVUPS_YMM_STORE, z(3), RAX.at(4), k(1)))));
  }

  static Stream<Arguments> instructionsForBlocks() {
    return Stream.of(
        Arguments.of(
            "vfmsub213ps zmm12, zmm31, dword ptr [rsp + 36]{1to16}",
            "62 72 05 50 aa 64 24 09",
            code(a -> a.broadcast(Evex.VFMSUB213PS, z(12), z(31), RSP.at(36)))),
        Arguments.of(
            "vpsubb zmm4, zmm5, zmm26",
            "62 91 55 48 f8 e2",
            code(a -> a.op(Evex.VPSUBB, z(4), z(5), z(26)))),
        Arguments.of(
            "vpternlogd zmm4, zmm5, zmm27, 0xf8",
            "62 93 55 48 25 e3 f8",
            code(a -> a.op(Evex.VPTERNLOGD, z(4), z(5), z(27), 0xf8))),
        Arguments.of(
            "vpsrld zmm21, zmm2, 4",
            "62 f1 55 40 72 d2 04",
            code(a -> a.shift(Evex.VPSRLD, z(21), z(2), 4))),
        Arguments.of(
            "vpsrlw zmm21, zmm2, 4",
            "62 f1 55 40 71 d2 04",
            code(a -> a.shift(Evex.VPSRLW, z(21), z(2), 4))),
        Arguments.of(
            "vpsllvd zmm1, zmm18, zmm25",
            "62 92 6d 40 47 c9",
            code(a -> a.op(Evex.VPSLLVD, z(1), z(18), z(25)))),
        Arguments.of(
            "vpsrlvd zmm1, zmm18, zmm25",
            "62 92 6d 40 45 c9",
            code(a -> a.op(Evex.VPSRLVD, z(1), z(18), z(25)))),
        Arguments.of(
            "vpermps zmm1, zmm30, zmm3",
            "62 f2 0d 40 16 cb",
            code(a -> a.op(Evex.VPERMPS, z(1), z(30), z(3)))),
        Arguments.of(
            "vpermw zmm1, zmm18, zmm3",
            "62 f2 ed 40 8d cb",
            code(a -> a.op(Evex.VPERMW, z(1), z(18), z(3)))),
        Arguments.of(
            "vbroadcasti64x4 zmm17, [rdi + 160]",
            "62 e2 fd 48 5b 4f 05",
            code(a -> a.op(Evex.VBROADCASTI64X4, z(17), RDI.at(160)))),
        Arguments.of(
            "vinserti64x4 zmm12, zmm12, ymmword ptr [rdi + 36], 1",
            "62 73 9d 48 3a a7 24 00 00 00 01",
            code(a -> a.op(Evex.VINSERTI64X4, z(12), z(12), RDI.at(36), 1))),
        Arguments.of(
            "vinserti64x4 zmm18, zmm18, ymm19, 1",
            "62 a3 ed 40 3a d3 01",
            code(a -> a.op(Evex.VINSERTI64X4, z(18), z(18), z(19), 1))),
        Arguments.of(
            "vpmovzxbw zmm17, ymmword ptr [rdi + 48]",
            "62 e2 7d 48 30 8f 30 00 00 00",
            code(a -> a.op(Evex.VPMOVZXBW, z(17), RDI.at(48)))),
        Arguments.of(
            "vpmovzxbw zmm1, ymm18",
            "62 b2 7d 48 30 ca",
            code(a -> a.op(Evex.VPMOVZXBW, z(1), z(18)))),
        Arguments.of(
            "vpmovzxbd zmm1, xmm18",
            "62 b2 7d 48 31 ca",
            code(a -> a.op(Evex.VPMOVZXBD, z(1), z(18)))),
        Arguments.of(
            "vpmovsxbd zmm1, xmmword ptr [rdi + 18]",
            "62 f2 7d 48 21 8f 12 00 00 00",
            code(a -> a.op(Evex.VPMOVSXBD, z(1), RDI.at(18)))),
        Arguments.of(
            "vpmovsxbd zmm30, xmm0",
            "62 62 7d 48 21 f0",
            code(a -> a.op(Evex.VPMOVSXBD, z(30), z(0)))),
        Arguments.of(
            "vcvtph2ps xmm17, qword ptr [rdi + 202]",
            "62 e2 7d 08 13 8f ca 00 00 00",
            code(a -> a.op(Evex.VCVTPH2PS_XMM, z(17), RDI.at(202)))));
  }

  static Stream<Arguments> instructionsForBytes() {
    return Stream.of(
        Arguments.of(
            "vcvtph2ps zmm1, ymm18",
            "62 b2 7d 48 13 ca",
            code(a -> a.op(Evex.VCVTPH2PS, z(1), z(18)))),
        Arguments.of(
            "vmovdqu8 ymm17, [rdi + 64]",
            "62 e1 7f 28 6f 4f 02",
            code(a -> a.op(Evex.VMOVDQU8_YMM, z(17), RDI.at(64)))),
        Arguments.of(
            "vpdpbusd ymm17, ymm18, [rsi + 64]",
            "62 e2 6d 20 50 4e 02",
            code(a -> a.op(Evex.VPDPBUSD_YMM, z(17), z(18), RSI.at(64)))),
        Arguments.of(
            "vpxord ymm17, ymm18, [rdi + 2]",
            "62 e1 6d 20 ef 8f 02 00 00 00",
            code(a -> a.op(Evex.VPXORD_YMM, z(17), z(18), RDI.at(2)))),
        Arguments.of(
            "vpord ymm17, ymm18, ymm19",
            "62 a1 6d 20 eb cb",
            code(a -> a.op(Evex.VPORD_YMM, z(17), z(18), z(19)))),
        Arguments.of(
            "vpandd ymm17, ymm18, ymm19",
            "62 a1 6d 20 db cb",
            code(a -> a.op(Evex.VPANDD_YMM, z(17), z(18), z(19)))),
        Arguments.of(
            "vpslld ymm17, ymm18, 4",
            "62 b1 75 20 72 f2 04",
            code(a -> a.shift(Evex.VPSLLD_YMM, z(17), z(18), 4))),
        Arguments.of(
            "vpsrld ymm17, ymm18, 4",
            "62 b1 75 20 72 d2 04",
            code(a -> a.shift(Evex.VPSRLD_YMM, z(17), z(18), 4))),
        Arguments.of(
            "vpsrlvd ymm17, ymm18, ymm19",
            "62 a2 6d 20 45 cb",
            code(a -> a.op(Evex.VPSRLVD_YMM, z(17), z(18), z(19)))),
        Arguments.of(
            "vpshufb ymm1, ymm18, ymm2",
            "62 f2 6d 20 00 ca",
            code(a -> a.op(Evex.VPSHUFB_YMM, z(1), z(18), z(2)))),
        Arguments.of(
            "vpermilps ymm17, ymm18, ymm19",
            "62 a2 6d 20 0c cb",
            code(a -> a.op(Evex.VPERMILPS_YMM, z(17), z(18), z(19)))),
        Arguments.of(
            "vmulps ymm17, ymm18, [r8 + 4]{1to8}",
            "62 c1 6c 30 59 48 01",
            code(a -> a.broadcast(Evex.VMULPS_YMM, z(17), z(18), R8.at(4)))),
        Arguments.of(
            "vfmadd231ps ymm17, ymm18, [r9]",
            "62 c2 6d 20 b8 09",
            code(a -> a.op(Evex.VFMADD231PS_YMM, z(17), z(18), R9.at()))),
        Arguments.of(
            "vcvtdq2ps ymm17, ymm18",
            "62 a1 7c 28 5b ca",
            code(a -> a.op(Evex.VCVTDQ2PS_YMM, z(17), z(18)))),
        Arguments.of(
            "vcvtph2ps ymm17, xmm18",
            "62 a2 7d 28 13 ca",
            code(a -> a.op(Evex.VCVTPH2PS_YMM, z(17), z(18)))),
        Arguments.of(
            "vpmovzxbd ymm17, [r12 + 8]",
            "62 c2 7d 28 31 4c 24 01",
            code(a -> a.op(Evex.VPMOVZXBD_YMM, z(17), R12.at(8)))),
        Arguments.of(
            "vpbroadcastw xmm17, [rdi + 2]",
            "62 e2 7d 08 79 4f 01",
            code(a -> a.op(Evex.VPBROADCASTW_XMM, z(17), RDI.at(2)))),
        Arguments.of(
            "vpbroadcastw ymm17, [rdi + 208]",
            "62 e2 7d 28 79 4f 68",
            code(a -> a.op(Evex.VPBROADCASTW_YMM, z(17), RDI.at(208)))),
        Arguments.of(
            "vbroadcasti32x4 ymm17, [rdi + 2]",
            "62 e2 7d 28 5a 8f 02 00 00 00",
            code(a -> a.op(Evex.VBROADCASTI32X4_YMM, z(17), RDI.at(2)))),
        Arguments.of(
            "vbroadcastsd ymm17, [r12 + 8]",
            "62 c2 fd 28 19 4c 24 01",
            code(a -> a.op(Evex.VBROADCASTSD_YMM, z(17), R12.at(8)))));
  }
}
