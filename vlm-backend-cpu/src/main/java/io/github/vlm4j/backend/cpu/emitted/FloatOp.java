package io.github.vlm4j.backend.cpu.emitted;

/** An operation of three vectors, as an instruction of AVX2 and of AVX-512. */
enum FloatOp {
  ADD(Vex.VADDPS, Evex.VADDPS),
  SUBTRACT(Vex.VSUBPS, Evex.VSUBPS),
  MULTIPLY(Vex.VMULPS, Evex.VMULPS),
  DIVIDE(Vex.VDIVPS, Evex.VDIVPS),
  /** The third where one is no number. */
  MAXIMUM(Vex.VMAXPS, Evex.VMAXPS),
  /** The first times the second, plus the third. */
  MULTIPLY_AND_ADD(Vex.VFMADD213PS, Evex.VFMADD213PS),
  /** The second times the third, plus the first. */
  ADD_PRODUCT(Vex.VFMADD231PS, Evex.VFMADD231PS),
  ADD_INTEGERS(Vex.VPADDD, Evex.VPADDD),
  AND(Vex.VPAND, Evex.VPANDD);

  final Vex avx2;
  final Evex avx512;

  FloatOp(Vex avx2, Evex avx512) {
    this.avx2 = avx2;
    this.avx512 = avx512;
  }
}
