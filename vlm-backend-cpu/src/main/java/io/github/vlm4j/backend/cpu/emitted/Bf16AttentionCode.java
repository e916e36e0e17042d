package io.github.vlm4j.backend.cpu.emitted;

/**
 * The code of attention in bf16 that is not a matrix product: the running softmax of a tile of
 * scores (Dao et al., "FlashAttention", 2022), and values laid out as a panel.
 */
final class Bf16AttentionCode {

  private static final int VECTOR_BYTES = 64;

  /**
   * What is asked for ahead of what is computed: rows of one head among many lie in pages of their
   * own, so that a processor does not foresee them.
   */
  private static final int ROWS_AHEAD = 8;

  /**
   * What scores may be above the greatest of earlier tiles before sums and results are brought to a
   * new base, as a power of two: seldom any of a row are, and f32 and bf16 reach far beyond.
   */
  private static final float MOST_EXPONENT = 8;

  /** Powers of two below this are 0 in f32. */
  private static final float LEAST_EXPONENT = -160;

  /** Less than any sum but 0, as the greatest exponential of a row is 1. */
  private static final float LEAST_SUM = 0.5f;

  /** In MXCSR: small results become zero, and small operands are taken for it. */
  private static final int FLUSH = 1 << 15 | 1 << 6;

  /** Rounds to a whole number that is no greater, and reports nothing. */
  private static final int DOWNWARDS = 9;

  private static final Mask ONE = new Mask(1);

  private static final Zmm FACTOR = new Zmm(16);
  private static final Zmm MINUS_FACTOR = new Zmm(17);
  private static final Zmm LOWEST = new Zmm(18);
  private static final Zmm LEAST = new Zmm(19);
  private static final Zmm REACH = new Zmm(27);

  /** The first of the coefficients, that of the highest power; the others follow. */
  private static final int POLYNOMIAL = 20;

  /** Powers of two from 0 to 1, off by less than 3e-6 of them: the least that this degree can. */
  private static final float[] COEFFICIENTS = {
    1.3534168e-2f, 5.201146e-2f, 0.24144275f, 0.69300383f, 1.0000026f
  };

  private final Assembler a;
  private final CallingConvention convention;
  private final PanelLayout layout;
  private final float[] coefficients;

  /**
   * Creates what writes to an assembler.
   *
   * @param layout how panels lie, and of how many parts numbers are
   */
  Bf16AttentionCode(Assembler assembler, CallingConvention convention, PanelLayout layout) {
    this.a = assembler;
    this.convention = convention;
    this.layout = layout;
    this.coefficients = layout.parts() == 1 ? COEFFICIENTS : FloatSoftmaxCode.POWERS_OF_TWO;
  }

  /**
   * Writes the function that replaces a tile of scores by exponentials in bf16, relative to the
   * greatest score of the row so far, and brings sums and results of earlier tiles to the same
   * base. Its arguments:
   *
   * <ol start="0">
   *   <li>the scores, rows of f32 in twos of vectors
   *   <li>the bytes from a row to the next
   *   <li>where the exponentials go
   *   <li>the bytes from a row of them to the next
   *   <li>the twos of vectors of a row, at least 1
   *   <li>the greatest score of each row so far, f32
   *   <li>the sum of exponentials of each row so far, f32
   *   <li>the results so far, rows of f32 in whole vectors
   *   <li>the bytes from a row to the next
   *   <li>the vectors of a row of results, at least 1
   *   <li>the number of rows, at least 1
   *   <li>the bits of what scores are multiplied with for a power of two, f32 and positive
   * </ol>
   *
   * @return where it begins
   */
  int soften() {
    int at = a.position();
    Frame frame = new Frame(a, convention);
    constants(frame.argument(11));
    flushToZero(frame.argument(11));
    a.mov(Gpr.R12, frame.argument(1));
    a.mov(Gpr.R13, frame.argument(3));
    a.mov(Gpr.R15, frame.argument(4));
    a.mov(Gpr.R14, frame.argument(8));
    a.mov(Gpr.RBX, frame.argument(9));
    begin(frame);
    a.mov(Gpr.R10, frame.argument(7));
    rows(() -> {
      fade();
      a.add(Gpr.R10, Gpr.R14);
    });
    begin(frame);
    a.mov(Gpr.RSI, frame.argument(2));
    rows(() -> {
      exponentials();
      a.add(Gpr.RSI, Gpr.R13);
    });
    a.ldmxcsr(frame.argument(11));
    frame.leave();
    return at;
  }

  /**
   * Lets powers of two that are too small for a normal number be zero, as a processor takes a
   * hundred cycles for what is between. The state before is kept where it is told.
   */
  private void flushToZero(Mem before) {
    a.stmxcsr(before);
    a.movsxd(Gpr.RAX, before);
    a.and(Gpr.RAX, ~FLUSH);
    a.add(Gpr.RAX, FLUSH);
    a.mov32(before.plus(Integer.BYTES), Gpr.RAX);
    a.ldmxcsr(before.plus(Integer.BYTES));
  }

  private void begin(Frame frame) {
    a.mov(Gpr.RDI, frame.argument(0));
    a.mov(Gpr.R8, frame.argument(5));
    a.mov(Gpr.R9, frame.argument(6));
    a.mov(Gpr.R11, frame.argument(10));
  }

  /** Walks the rows, of which a processor overlaps several as long as each has little to do. */
  private void rows(Runnable each) {
    Label row = new Label();
    a.place(row);
    each.run();
    a.add(Gpr.RDI, Gpr.R12);
    a.add(Gpr.R8, Float.BYTES);
    a.add(Gpr.R9, Float.BYTES);
    a.sub(Gpr.R11, 1);
    a.jump(Condition.NOT_EQUAL, row);
  }

  /**
   * Brings a row's greatest score up to date, and its sum and results to that base, unless its
   * scores are hardly above those before. NaN is.
   */
  private void fade() {
    greatest();
    Zmm fade = new Zmm(2);
    Zmm base = new Zmm(3);
    Label end = new Label();
    a.op(Evex.VBROADCASTSS, fade, Gpr.R8.at());
    a.op(Evex.VADDPS, base, fade, REACH);
    a.op(Vex.VCOMISS, base, new Zmm(0));
    a.jump(Condition.NOT_BELOW, end);
    a.op(Evex.VMAXPS, new Zmm(0), new Zmm(0), fade);
    a.op(Vex.VMOVSS_STORE, new Zmm(0), Gpr.R8.at());
    base(base, new Zmm(0));
    a.op(Evex.VFMADD213PS, fade, FACTOR, base);
    power(fade, new Zmm(7), new Zmm(8));
    a.op(Evex.VBROADCASTSS, new Zmm(5), Gpr.R9.at());
    a.op(Evex.VMULPS, new Zmm(5), new Zmm(5), fade);
    a.op(Vex.VMOVSS_STORE, new Zmm(5), Gpr.R9.at());
    fadeResults(fade);
    a.place(end);
  }

  /** Computes what is added to scores, of which the greatest is given. */
  private void base(Zmm to, Zmm greatest) {
    // A row that sees no key yet: any finite base keeps the difference of infinities from being
    // NaN.
    a.op(Evex.VMAXPS, to, greatest, LOWEST);
    a.op(Evex.VMULPS, to, to, MINUS_FACTOR);
  }

  private void constants(Mem factor) {
    a.op(Evex.VBROADCASTSS, FACTOR, factor);
    a.op(Evex.VPXORD, MINUS_FACTOR, MINUS_FACTOR, MINUS_FACTOR);
    a.op(Evex.VSUBPS, MINUS_FACTOR, MINUS_FACTOR, FACTOR);
    Lanes.set(a, REACH, MOST_EXPONENT);
    a.op(Evex.VDIVPS, REACH, REACH, FACTOR);
    Lanes.set(a, LOWEST, -Float.MAX_VALUE);
    Lanes.set(a, LEAST, LEAST_EXPONENT);
    for (int i = 0; i < coefficients.length; i++) {
      Lanes.set(a, new Zmm(POLYNOMIAL + i), coefficients[i]);
    }
    a.mov(Gpr.RAX, 1);
    a.kmovq(ONE, Gpr.RAX);
  }

  /** Sets all lanes of vector 0 to the row's greatest score in this tile. */
  private void greatest() {
    Label loop = new Label();
    Label end = new Label();
    a.mov(Gpr.RAX, Gpr.RDI);
    a.mov(Gpr.RCX, Gpr.R15);
    a.op(Evex.VMOVUPS, new Zmm(0), Gpr.RAX.at());
    a.op(Evex.VMOVUPS, new Zmm(1), Gpr.RAX.at(VECTOR_BYTES));
    a.place(loop);
    a.sub(Gpr.RCX, 1);
    a.jump(Condition.EQUAL, end);
    a.add(Gpr.RAX, 2 * VECTOR_BYTES);
    a.op(Evex.VMAXPS, new Zmm(0), new Zmm(0), Gpr.RAX.at());
    a.op(Evex.VMAXPS, new Zmm(1), new Zmm(1), Gpr.RAX.at(VECTOR_BYTES));
    a.jump(loop);
    a.place(end);
    a.op(Evex.VMAXPS, new Zmm(0), new Zmm(0), new Zmm(1));
    Reduction.write(a, Evex.VMAXPS, new Zmm(0), new Zmm(1));
  }

  /** Writes the exponentials of a row and adds them to its sum. */
  private void exponentials() {
    Zmm base = new Zmm(3);
    Zmm low = new Zmm(5);
    Zmm high = new Zmm(6);
    Label loop = new Label();
    a.op(Evex.VBROADCASTSS, base, Gpr.R8.at());
    base(base, base);
    a.op(Evex.VPXORD, new Zmm(4), new Zmm(4), new Zmm(4));
    a.op(Evex.VPXORD, new Zmm(13), new Zmm(13), new Zmm(13));
    a.mov(Gpr.RAX, Gpr.RDI);
    a.mov(Gpr.RDX, Gpr.RSI);
    a.mov(Gpr.RCX, Gpr.R15);
    a.place(loop);
    a.op(Evex.VMOVUPS, low, Gpr.RAX.at());
    a.op(Evex.VMOVUPS, high, Gpr.RAX.at(VECTOR_BYTES));
    a.op(Evex.VFMADD213PS, low, FACTOR, base);
    a.op(Evex.VFMADD213PS, high, FACTOR, base);
    power(low, new Zmm(7), new Zmm(8));
    power(high, new Zmm(9), new Zmm(10));
    a.op(Evex.VADDPS, new Zmm(4), new Zmm(4), low);
    a.op(Evex.VADDPS, new Zmm(13), new Zmm(13), high);
    Zmm rounded = new Zmm(7);
    if (layout.parts() > 1) {
      Bf16Code.split(a, low, high, rounded, new Zmm(8), new Zmm(9));
      a.op(Evex.VMOVUPS_STORE, low, Gpr.RDX.at(VECTOR_BYTES));
    } else {
      a.op(Evex.VCVTNE2PS2BF16, rounded, high, low);
    }
    a.op(Evex.VMOVUPS_STORE, rounded, Gpr.RDX.at());
    a.add(Gpr.RAX, 2 * VECTOR_BYTES);
    a.add(Gpr.RDX, layout.parts() * VECTOR_BYTES);
    a.sub(Gpr.RCX, 1);
    a.jump(Condition.NOT_EQUAL, loop);
    a.op(Evex.VADDPS, new Zmm(4), new Zmm(4), new Zmm(13));
    Reduction.write(a, Evex.VADDPS, new Zmm(4), new Zmm(1));
    a.op(Evex.VBROADCASTSS, new Zmm(5), Gpr.R9.at());
    a.op(Evex.VADDPS, new Zmm(4), new Zmm(4), new Zmm(5));
    a.op(Vex.VMOVSS_STORE, new Zmm(4), Gpr.R9.at());
  }

  /** Replaces x by 2 to the power of x: whole powers change the exponent, a polynomial the rest. */
  private void power(Zmm x, Zmm whole, Zmm sum) {
    if (layout.parts() == 1) {
      Zmm fraction = whole;
      a.op(Evex.VREDUCEPS, fraction, x, DOWNWARDS);
      polynomial(sum, fraction);
      a.op(Evex.VSCALEFPS, x, sum, x);
      return;
    }
    // In this order of operands NaN stays NaN.
    a.op(Evex.VMAXPS, x, LEAST, x);
    a.op(Evex.VRNDSCALEPS, whole, x, 8);
    a.op(Evex.VSUBPS, x, x, whole);
    polynomial(sum, x);
    a.op(Evex.VSCALEFPS, x, sum, whole);
  }

  private void polynomial(Zmm sum, Zmm x) {
    a.op(Evex.VMOVUPS, sum, new Zmm(POLYNOMIAL));
    for (int i = 1; i < coefficients.length; i++) {
      a.op(Evex.VFMADD213PS, sum, x, new Zmm(POLYNOMIAL + i));
    }
  }

  /**
   * Multiplies a row of results, even by 1: whether it is would be known late, and guessed wrongly.
   */
  private void fadeResults(Zmm fade) {
    Label loop = new Label();
    a.mov(Gpr.RAX, Gpr.R10);
    a.mov(Gpr.RCX, Gpr.RBX);
    a.place(loop);
    a.op(Evex.VMULPS, new Zmm(5), fade, Gpr.RAX.at());
    a.op(Evex.VMOVUPS_STORE, new Zmm(5), Gpr.RAX.at());
    a.add(Gpr.RAX, VECTOR_BYTES);
    a.sub(Gpr.RCX, 1);
    a.jump(Condition.NOT_EQUAL, loop);
  }

  /**
   * Writes the function that divides rows of results by the sums of their exponentials; those of a
   * row that saw no key, whose sum is 0, stay 0. Its arguments:
   *
   * <ol start="0">
   *   <li>the results, rows of f32 in whole vectors
   *   <li>the bytes from a row to the next
   *   <li>the sums, f32
   *   <li>where the quotients go
   *   <li>the bytes from a row to the next
   *   <li>the vectors of a row, at least 1
   *   <li>the lanes of the last vector that are results, one bit each
   *   <li>the number of rows, at least 1
   * </ol>
   *
   * @return where it begins
   */
  int divide() {
    int at = a.position();
    Frame frame = new Frame(a, convention);
    Zmm one = new Zmm(16);
    Zmm least = new Zmm(17);
    Zmm factor = new Zmm(0);
    Zmm result = new Zmm(1);
    Lanes.set(a, one, 1f);
    Lanes.set(a, least, LEAST_SUM);
    a.mov(Gpr.RAX, frame.argument(6));
    a.kmovq(ONE, Gpr.RAX);
    a.mov(Gpr.RDI, frame.argument(0));
    a.mov(Gpr.R8, frame.argument(1));
    a.mov(Gpr.RSI, frame.argument(2));
    a.mov(Gpr.R10, frame.argument(3));
    a.mov(Gpr.R9, frame.argument(4));
    a.mov(Gpr.R14, frame.argument(5));
    a.mov(Gpr.R11, frame.argument(7));
    Label row = new Label();
    Label loop = new Label();
    Label last = new Label();
    a.place(row);
    a.op(Evex.VBROADCASTSS, factor, Gpr.RSI.at());
    // In this order of operands NaN stays NaN.
    a.op(Evex.VMAXPS, factor, least, factor);
    a.op(Evex.VDIVPS, factor, one, factor);
    a.mov(Gpr.RAX, Gpr.RDI);
    a.mov(Gpr.RDX, Gpr.R10);
    a.mov(Gpr.RCX, Gpr.R14);
    a.place(loop);
    a.prefetchToWrite(Gpr.RDX.plus(Gpr.R9, ROWS_AHEAD));
    a.op(Evex.VMULPS, result, factor, Gpr.RAX.at());
    a.sub(Gpr.RCX, 1);
    a.jump(Condition.EQUAL, last);
    a.op(Evex.VMOVUPS_STORE, result, Gpr.RDX.at());
    a.add(Gpr.RAX, VECTOR_BYTES);
    a.add(Gpr.RDX, VECTOR_BYTES);
    a.jump(loop);
    a.place(last);
    a.op(Evex.VMOVUPS_STORE, result, Gpr.RDX.at(), ONE);
    a.add(Gpr.RDI, Gpr.R8);
    a.add(Gpr.R10, Gpr.R9);
    a.add(Gpr.RSI, Float.BYTES);
    a.sub(Gpr.R11, 1);
    a.jump(Condition.NOT_EQUAL, row);
    frame.leave();
    return at;
  }

  /**
   * Writes the function that lays twos of rows out side by side, rounded to bf16: a part of a
   * panel, one vector wide. Its arguments:
   *
   * <ol start="0">
   *   <li>the first of each two rows, f32
   *   <li>the second
   *   <li>the bytes from a two of rows to the next
   *   <li>where pairs go
   *   <li>the bytes from a row of pairs to the next
   *   <li>the number of twos, at least 1
   *   <li>the lanes that are numbers, one bit each; the others become 0
   * </ol>
   *
   * @return where it begins
   */
  int interleave() {
    int at = a.position();
    Frame frame = new Frame(a, convention);
    Zmm low = new Zmm(0);
    Zmm high = new Zmm(1);
    a.mov(Gpr.RAX, frame.argument(6));
    a.kmovq(ONE, Gpr.RAX);
    a.mov(Gpr.R8, frame.argument(0));
    a.mov(Gpr.R9, frame.argument(1));
    a.mov(Gpr.R10, frame.argument(2));
    a.mov(Gpr.R11, frame.argument(3));
    a.mov(Gpr.RDX, frame.argument(4));
    a.mov(Gpr.RCX, frame.argument(5));
    Label loop = new Label();
    a.place(loop);
    a.prefetch(Gpr.R8.plus(Gpr.R10, ROWS_AHEAD));
    a.prefetch(Gpr.R9.plus(Gpr.R10, ROWS_AHEAD));
    a.op(Evex.VMOVUPS, low, Gpr.R8.at(), ONE);
    a.op(Evex.VMOVUPS, high, Gpr.R9.at(), ONE);
    interleave(low, high, new Zmm(2), new Zmm(3), Gpr.R11.at());
    if (layout.parts() > 1) {
      Bf16Code.rest(a, low, new Zmm(2));
      Bf16Code.rest(a, high, new Zmm(3));
      Mem part = Gpr.R11.at(Float.BYTES * layout.part());
      interleave(low, high, new Zmm(2), new Zmm(3), part);
    }
    a.add(Gpr.R8, Gpr.R10);
    a.add(Gpr.R9, Gpr.R10);
    a.add(Gpr.R11, Gpr.RDX);
    a.sub(Gpr.RCX, 1);
    a.jump(Condition.NOT_EQUAL, loop);
    frame.leave();
    return at;
  }

  /** Rounds two vectors and stores them side by side. */
  private void interleave(Zmm low, Zmm high, Zmm evens, Zmm odds, Mem to) {
    a.op(Evex.VCVTNEPS2BF16, evens, low);
    a.op(Evex.VPMOVZXWD, evens, evens);
    a.op(Evex.VCVTNEPS2BF16, odds, high);
    a.op(Evex.VPMOVZXWD, odds, odds);
    a.shift(Evex.VPSLLD, odds, odds, Short.SIZE);
    a.op(Evex.VPORD, evens, evens, odds);
    a.op(Evex.VMOVUPS_STORE, evens, to);
  }
}
