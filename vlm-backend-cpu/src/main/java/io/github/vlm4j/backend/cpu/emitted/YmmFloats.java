package io.github.vlm4j.backend.cpu.emitted;

/** Vectors of 256 bits with AVX2. */
record YmmFloats(Assembler a) implements FloatVectors {

  /** How far the bit of each lane is from where its sign is. */
  private static final long TO_SIGNS = 0x18_19_1a_1b_1c_1d_1e_1fL;

  /** What {@link #choose} leaves; products may use it between loads and stores. */
  private static final Zmm CHOSEN = new Zmm(15);

  @Override
  public void load(Zmm to, Mem from) {
    a.op(Vex.VMOVUPS, to, from);
  }

  @Override
  public void loadUpperHalves(Zmm to, Mem from) {
    a.op(Vex.VPMOVZXWD, to, from);
    shiftLeft(to, to, Short.SIZE);
  }

  @Override
  public void loadF16(Zmm to, Mem from) {
    a.op(Vex.VCVTPH2PS, to, from);
  }

  @Override
  public void store(Zmm from, Mem to) {
    a.op(Vex.VMOVUPS_STORE, from, to);
  }

  @Override
  public void choose(Gpr bits, Zmm free) {
    a.broadcast256(CHOSEN, bits);
    a.mov(bits, TO_SIGNS);
    a.pair(free, bits, bits);
    a.op(Vex.VPMOVZXBD, free, free);
    a.op(Vex.VPSLLVD, CHOSEN, CHOSEN, free);
  }

  @Override
  public void loadSome(Zmm to, Mem from) {
    a.op(Vex.VMASKMOVPS, to, CHOSEN, from);
  }

  @Override
  public void storeSome(Zmm from, Mem to) {
    a.op(Vex.VMASKMOVPS_STORE, from, CHOSEN, to);
  }

  @Override
  public void broadcast(Zmm to, Mem from) {
    a.op(Vex.VBROADCASTSS, to, from);
  }

  @Override
  public void broadcast(Zmm to, Gpr from) {
    a.broadcast256(to, from);
  }

  @Override
  public void move(Zmm to, Zmm from) {
    a.op(Vex.VMOVUPS, to, from);
  }

  @Override
  public void op(FloatOp op, Zmm first, Zmm second, Zmm third) {
    a.op(op.avx2, first, second, third);
  }

  @Override
  public void op(FloatOp op, Zmm first, Zmm second, Mem third) {
    a.op(op.avx2, first, second, third);
  }

  @Override
  public void combine(FloatOp op, Zmm vector, Zmm free) {
    Reduction.write(a, op.avx2, vector, free);
  }

  @Override
  public void sumToEight(Zmm vector, Zmm free) {
    // There are eight.
  }

  @Override
  public void shiftLeft(Zmm to, Zmm from, int bits) {
    a.shift(Vex.VPSLLD, to, from, bits);
  }

  @Override
  public void clearLess(Zmm vector, Zmm compared, Zmm least) {
    a.op(Vex.VCMPPS, compared, compared, least, NOT_LESS);
    a.op(Vex.VPAND, vector, vector, compared);
  }
}
