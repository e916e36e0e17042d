package io.github.vlm4j.backend.cpu.emitted;

import io.github.vlm4j.core.tensor.DType;

/**
 * Code for processors with AVX2 that multiplies rows of Q8_0 with four inputs at a time, so that
 * weights are read, and their signs taken off, once for all of them. Each sum is that of {@link
 * Avx2Code} to the last bit.
 *
 * <p>The memory of an input of {@code n} groups holds n times 32 bytes of inputs, then n scales in
 * f32.
 */
final class FourInputsCode {

  /** How many inputs there are. */
  static final int INPUTS = 4;

  /** The bytes that a group of an input takes. */
  static final int ROUNDED_GROUP = RowMemory.GROUP + Float.BYTES;

  private static final int RECORD = RowMemory.GROUP;
  private static final int BYTES = DType.Q8_0.blockBytes();

  /** The bytes of a block before its weights. */
  private static final int SCALE = 2;

  /** The scales of eight groups, between registers. */
  private static final int EIGHT_SCALES = RowMemory.SCALES * Float.BYTES;

  /** The bytes of memory between registers. */
  static final int SCRATCH = INPUTS * EIGHT_SCALES;

  /** Sums for even and for odd groups of each input. */
  private static final int SUMS = 2;

  private static final Zmm WEIGHTS = new Zmm(8);
  private static final Zmm SIZES = new Zmm(9);
  private static final Zmm ONES = new Zmm(15);

  private final Assembler a;
  private final CallingConvention convention;
  private final RowMemory memory;

  /** Creates what writes to an assembler. */
  FourInputsCode(Assembler assembler, CallingConvention convention) {
    this.a = assembler;
    this.convention = convention;
    this.memory = new RowMemory(assembler, RECORD);
  }

  private static Zmm v(int number) {
    return new Zmm(number);
  }

  private static Zmm product(int input) {
    return v(10 + input % 3);
  }

  private static Zmm scale(int input) {
    return v(13 + input % 2);
  }

  private static Zmm sum(int input, int group) {
    return v(SUMS * input + group % SUMS);
  }

  /** Returns the memory of an input, some bytes after where a register points for the first. */
  private static Mem of(int input, Gpr first, int bytes) {
    return switch (input) {
      case 0 -> first.at(bytes);
      case 1 -> first.plus(Gpr.R11, 1).plus(bytes);
      case 2 -> first.plus(Gpr.R11, 2).plus(bytes);
      default -> first.plus(Gpr.R13, 1).plus(bytes);
    };
  }

  /**
   * Writes the function that rounds an input. Its arguments: the input, the bytes before its first
   * number, its memory, the bytes before that, and the number of groups.
   *
   * @return where it begins
   */
  int round() {
    int at = a.position();
    Frame frame = new Frame(a, convention);
    ByteRounding rounding = new ByteRounding(a);
    point(Gpr.RDI, frame, 0, 1);
    point(Gpr.RSI, frame, 2, 3);
    a.mov(Gpr.RCX, frame.argument(4));
    pointAtScales();
    rounding.begin(Gpr.RSI.at());
    Label next = new Label();
    a.place(next);
    rounding.round(Gpr.RDI);
    a.op(Vex.VMOVUPS_STORE, ByteRounding.BYTES, Gpr.RSI.at());
    a.op(Vex.VMOVSS_STORE, ByteRounding.SCALE, Gpr.R8.at());
    a.add(Gpr.RDI, RowMemory.GROUP * Float.BYTES);
    a.add(Gpr.RSI, RECORD);
    a.add(Gpr.R8, Float.BYTES);
    a.sub(Gpr.RCX, 1);
    a.jump(Condition.NOT_EQUAL, next);
    frame.leave();
    return at;
  }

  private void point(Gpr to, Frame frame, int address, int bytes) {
    a.mov(to, frame.argument(address));
    a.mov(Gpr.RAX, frame.argument(bytes));
    a.add(to, Gpr.RAX);
  }

  /** Points r8 behind as many groups as rcx says, which begin where rsi points. */
  private void pointAtScales() {
    a.mov(Gpr.R8, Gpr.RCX);
    a.shl(Gpr.R8, 5);
    a.add(Gpr.R8, Gpr.RSI);
  }

  /**
   * Writes the function that multiplies. Its arguments:
   *
   * <ol start="0">
   *   <li>the weights
   *   <li>the bytes before the first row
   *   <li>the bytes from a row to the next
   *   <li>the number of rows, at least 1
   *   <li>the memory with the inputs
   *   <li>the bytes before the first
   *   <li>the bytes from one to the next
   *   <li>the number of groups, at least 1
   *   <li>the results, f32
   *   <li>the bytes before the first
   *   <li>the bytes from an input's results to those of the next
   *   <li>{@link #SCRATCH} bytes for what is between registers
   * </ol>
   *
   * @return where it begins
   */
  int multiply() {
    int at = a.position();
    Frame frame = new Frame(a, convention);
    point(Gpr.R10, frame, 0, 1);
    point(Gpr.R14, frame, 8, 9);
    a.mov(Gpr.R15, frame.argument(3));
    a.mov(Gpr.R11, frame.argument(6));
    a.lea(Gpr.R13, Gpr.R11.plus(Gpr.R11, 2));
    a.mov(Gpr.R12, frame.argument(11));
    a.mov(Gpr.RAX, 0x00010001L);
    a.broadcast256(ONES, Gpr.RAX);
    Label row = new Label();
    a.place(row);
    a.mov(Gpr.RDI, Gpr.R10);
    point(Gpr.RSI, frame, 4, 5);
    a.mov(Gpr.RCX, frame.argument(7));
    pointAtScales();
    for (int i = 0; i < SUMS * INPUTS; i++) {
      a.op(Vex.VPXOR, v(i), v(i), v(i));
    }
    memory.eights(BYTES, this::eight, this::one);
    store(frame);
    a.add(Gpr.R14, Float.BYTES);
    a.mov(Gpr.RAX, frame.argument(2));
    a.add(Gpr.R10, Gpr.RAX);
    a.sub(Gpr.R15, 1);
    a.jump(Condition.NOT_EQUAL, row);
    frame.leave();
    return at;
  }

  private void eight() {
    memory.eightScales(WEIGHTS, BYTES);
    a.op(Vex.VCVTPH2PS, WEIGHTS, WEIGHTS);
    for (int input = 0; input < INPUTS; input++) {
      a.op(Vex.VMULPS, product(input), WEIGHTS, of(input, Gpr.R8, 0));
      a.op(Vex.VMOVUPS_STORE, product(input), Gpr.R12.at(EIGHT_SCALES * input));
    }
    for (int i = 0; i < RowMemory.SCALES; i++) {
      group(i);
    }
  }

  private void one() {
    a.op(Vex.VPBROADCASTW, WEIGHTS, Gpr.RDI.at());
    a.op(Vex.VCVTPH2PS, WEIGHTS, WEIGHTS);
    for (int input = 0; input < INPUTS; input++) {
      a.op(Vex.VBROADCASTSS, scale(input), of(input, Gpr.R8, 0));
      a.op(Vex.VMULPS, scale(input), WEIGHTS, scale(input));
      a.op(Vex.VMOVUPS_STORE, scale(input), Gpr.R12.at(EIGHT_SCALES * input));
    }
    group(0);
  }

  /** Adds the products of a group, whose scales are between registers. */
  private void group(int index) {
    a.op(Vex.VMOVUPS, WEIGHTS, Gpr.RDI.at(BYTES * index + SCALE));
    a.op(Vex.VPABSB, SIZES, WEIGHTS);
    for (int input = 0; input < INPUTS; input++) {
      Zmm product = product(input);
      a.op(Vex.VMOVUPS, product, of(input, Gpr.RSI, RECORD * index));
      a.op(Vex.VPSIGNB, product, product, WEIGHTS);
      a.op(Vex.VPMADDUBSW, product, SIZES, product);
      a.op(Vex.VPMADDWD, product, product, ONES);
      a.op(Vex.VCVTDQ2PS, product, product);
      a.op(Vex.VBROADCASTSS, scale(input), Gpr.R12.at(EIGHT_SCALES * input + Float.BYTES * index));
      a.op(Vex.VFMADD231PS, sum(input, index), product, scale(input));
    }
  }

  private void store(Frame frame) {
    a.mov(Gpr.RAX, frame.argument(10));
    a.mov(Gpr.RDX, Gpr.R14);
    for (int input = 0; input < INPUTS; input++) {
      Zmm sum = sum(input, 0);
      a.op(Vex.VADDPS, sum, sum, sum(input, 1));
      Reduction.write(a, Vex.VADDPS, sum, product(input));
      a.op(Vex.VMOVSS_STORE, sum, Gpr.RDX.at());
      a.add(Gpr.RDX, Gpr.RAX);
    }
  }
}
