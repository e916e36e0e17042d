package io.github.vlm4j.backend.cpu.emitted;

/** Vectors of 512 bits with AVX-512. */
record ZmmFloats(Assembler a) implements FloatVectors {

  private static final Mask NOT_LESS_LANES = new Mask(2);

  private static final Mask CHOSEN = new Mask(1);

  /** A shuffle of quarters that brings the upper two to the lower two's place. */
  private static final int UPPER_HALF_DOWN = 0x4e;

  @Override
  public void load(Zmm to, Mem from) {
    a.op(Evex.VMOVUPS, to, from);
  }

  @Override
  public void loadUpperHalves(Zmm to, Mem from) {
    a.op(Evex.VPMOVZXWD, to, from);
    shiftLeft(to, to, Short.SIZE);
  }

  @Override
  public void loadF16(Zmm to, Mem from) {
    a.op(Evex.VCVTPH2PS, to, from);
  }

  @Override
  public void store(Zmm from, Mem to) {
    a.op(Evex.VMOVUPS_STORE, from, to);
  }

  @Override
  public void choose(Gpr bits, Zmm free) {
    a.kmovq(CHOSEN, bits);
  }

  @Override
  public void loadSome(Zmm to, Mem from) {
    a.op(Evex.VMOVUPS, to, from, CHOSEN);
  }

  @Override
  public void storeSome(Zmm from, Mem to) {
    a.op(Evex.VMOVUPS_STORE, from, to, CHOSEN);
  }

  @Override
  public void broadcast(Zmm to, Mem from) {
    a.op(Evex.VBROADCASTSS, to, from);
  }

  @Override
  public void broadcast(Zmm to, Gpr from) {
    a.broadcast(to, from);
  }

  @Override
  public void move(Zmm to, Zmm from) {
    a.op(Evex.VMOVUPS, to, from);
  }

  @Override
  public void op(FloatOp op, Zmm first, Zmm second, Zmm third) {
    a.op(op.avx512, first, second, third);
  }

  @Override
  public void op(FloatOp op, Zmm first, Zmm second, Mem third) {
    a.op(op.avx512, first, second, third);
  }

  @Override
  public void combine(FloatOp op, Zmm vector, Zmm free) {
    Reduction.write(a, op.avx512, vector, free);
  }

  @Override
  public void sumToEight(Zmm vector, Zmm free) {
    a.op(Evex.VSHUFI32X4, free, vector, vector, UPPER_HALF_DOWN);
    a.op(Evex.VADDPS, vector, vector, free);
  }

  @Override
  public void shiftLeft(Zmm to, Zmm from, int bits) {
    a.shift(Evex.VPSLLD, to, from, bits);
  }

  @Override
  public void clearLess(Zmm vector, Zmm compared, Zmm least) {
    a.op(Evex.VCMPPS, NOT_LESS_LANES, compared, least, NOT_LESS);
    a.op(Evex.VPANDD, vector, vector, vector, NOT_LESS_LANES);
  }
}
