package io.github.vlm4j.backend.cpu.emitted;

import io.github.vlm4j.backend.cpu.kernel.RoundedWinograd;

/**
 * The code of the transforms of {@link RoundedWinograd} from and to what is multiplied in bf16, a
 * vector of channels at a time.
 */
final class WinogradCode {

  /** Channels of a vector. */
  static final int LANES = 16;

  private static final int POINTS = RoundedWinograd.POINTS;
  private static final int KERNEL = RoundedWinograd.KERNEL;
  private static final int VECTOR_BYTES = LANES * Float.BYTES;
  private static final int HALF_BYTES = LANES * Short.BYTES;

  private static final Mask SOME = new Mask(1);
  private static final Zmm HALF = new Zmm(31);

  private final Assembler a;
  private final CallingConvention convention;

  /** Creates what writes to an assembler. */
  WinogradCode(Assembler assembler, CallingConvention convention) {
    this.a = assembler;
    this.convention = convention;
  }

  /**
   * Writes the function that transforms windows and rounds them. Its arguments:
   *
   * <ol start="0">
   *   <li>the first pixel of the first window; overwritten
   *   <li>the bytes from a pixel to the next
   *   <li>where the first point of the first window goes; overwritten
   *   <li>the bytes from there to the next point
   *   <li>the vectors of channels, at least 2; whole ones are written
   *   <li>the lanes of the last but one that are channels, one bit each; the others become 0
   *   <li>the lanes of the last
   *   <li>the number of windows, at least 1; overwritten
   *   <li>the bytes from a window's pixels to those of the next
   *   <li>the bytes from a window's first point to that of the next
   * </ol>
   *
   * @return where it begins
   */
  int windows() {
    return vectors(
        VECTOR_BYTES,
        () -> {
          for (int i = 0; i < RoundedWinograd.WINDOW; i++) {
            a.op(Evex.VMOVUPS, read(i), step(Gpr.R8, Gpr.RSI, Gpr.RDI, i), SOME);
          }
          a.op(Evex.VSUBPS, point(0), read(0), read(2));
          a.op(Evex.VADDPS, point(1), read(1), read(2));
          a.op(Evex.VSUBPS, point(2), read(2), read(1));
          a.op(Evex.VSUBPS, point(3), read(1), read(3));
        });
  }

  /** Writes the same function for lines of kernels in bf16, three pixels each. */
  int kernels() {
    return vectors(
        HALF_BYTES,
        () -> {
          for (int i = 0; i < KERNEL; i++) {
            a.op(Evex.VPMOVZXWD, read(i), step(Gpr.R8, Gpr.RSI, Gpr.RDI, i), SOME);
            a.shift(Evex.VPSLLD, read(i), read(i), Short.SIZE);
          }
          a.op(Evex.VADDPS, point(2), read(0), read(2));
          a.op(Evex.VMULPS, point(2), point(2), HALF);
          a.op(Evex.VMULPS, read(1), read(1), HALF);
          a.op(Evex.VADDPS, point(1), point(2), read(1));
          a.op(Evex.VSUBPS, point(2), point(2), read(1));
          a.op(Evex.VMOVUPS, point(0), read(0));
          a.op(Evex.VMOVUPS, point(3), read(2));
        });
  }

  /** Writes a function whose points are computed a vector at a time, and rounded then. */
  private int vectors(int readBytes, Runnable vector) {
    int at = a.position();
    Frame frame = new Frame(a, convention);
    a.mov(Gpr.RAX, Float.floatToRawIntBits(0.5f));
    a.broadcast(HALF, Gpr.RAX);
    a.mov(Gpr.RSI, frame.argument(1));
    a.lea(Gpr.RDI, Gpr.RSI.plus(Gpr.RSI, 2));
    a.mov(Gpr.R14, frame.argument(3));
    a.lea(Gpr.R15, Gpr.R14.plus(Gpr.R14, 2));
    Label next = new Label();
    Label loop = new Label();
    Label few = new Label();
    Label whole = new Label();
    a.place(next);
    a.mov(Gpr.R8, frame.argument(0));
    a.mov(Gpr.RBX, frame.argument(2));
    a.mov(Gpr.RCX, frame.argument(4));
    allLanes();
    a.place(loop);
    a.cmp(Gpr.RCX, 2);
    a.jump(Condition.NOT_EQUAL, few);
    a.mov(Gpr.RAX, frame.argument(5));
    a.kmovq(SOME, Gpr.RAX);
    a.place(few);
    a.cmp(Gpr.RCX, 1);
    a.jump(Condition.NOT_EQUAL, whole);
    a.mov(Gpr.RAX, frame.argument(6));
    a.kmovq(SOME, Gpr.RAX);
    a.place(whole);
    vector.run();
    for (int i = 0; i < POINTS; i++) {
      a.op(Evex.VCVTNEPS2BF16, point(i), point(i));
      a.op(Evex.VMOVUPS_YMM_STORE, point(i), step(Gpr.RBX, Gpr.R14, Gpr.R15, i));
    }
    a.add(Gpr.R8, readBytes);
    a.add(Gpr.RBX, HALF_BYTES);
    a.sub(Gpr.RCX, 1);
    a.jump(Condition.NOT_EQUAL, loop);
    repeat(frame, next);
    frame.leave();
    return at;
  }

  /**
   * Writes the function that transforms sums to results. Its arguments:
   *
   * <ol start="0">
   *   <li>the sums of the first point of the first window; overwritten
   *   <li>the bytes from there to the next point
   *   <li>where the left result of the first window goes; overwritten
   *   <li>the bytes from there to the right one
   *   <li>the vectors of channels, at least 1
   *   <li>anything
   *   <li>the lanes of the last that are channels, one bit each
   *   <li>the number of windows, at least 1; overwritten
   *   <li>the bytes from a window's sums to those of the next
   *   <li>the bytes from a window's results to those of the next
   * </ol>
   *
   * @param right whether there are right results
   * @return where it begins
   */
  int results(boolean right) {
    int at = a.position();
    Frame frame = new Frame(a, convention);
    a.mov(Gpr.RSI, frame.argument(1));
    a.lea(Gpr.RDI, Gpr.RSI.plus(Gpr.RSI, 2));
    a.mov(Gpr.R14, frame.argument(3));
    Label next = new Label();
    Label loop = new Label();
    Label whole = new Label();
    a.place(next);
    a.mov(Gpr.R8, frame.argument(0));
    a.mov(Gpr.RBX, frame.argument(2));
    a.mov(Gpr.RCX, frame.argument(4));
    allLanes();
    a.place(loop);
    a.cmp(Gpr.RCX, 1);
    a.jump(Condition.NOT_EQUAL, whole);
    a.mov(Gpr.RAX, frame.argument(6));
    a.kmovq(SOME, Gpr.RAX);
    a.place(whole);
    for (int i = 0; i < POINTS; i++) {
      a.op(Evex.VMOVUPS, read(i), step(Gpr.R8, Gpr.RSI, Gpr.RDI, i), SOME);
    }
    a.op(Evex.VADDPS, read(0), read(0), read(1));
    a.op(Evex.VADDPS, read(0), read(0), read(2));
    a.op(Evex.VMOVUPS_STORE, read(0), Gpr.RBX.at(), SOME);
    if (right) {
      a.op(Evex.VSUBPS, read(1), read(1), read(2));
      a.op(Evex.VSUBPS, read(1), read(1), read(3));
      a.op(Evex.VMOVUPS_STORE, read(1), Gpr.RBX.plus(Gpr.R14, 1), SOME);
    }
    a.add(Gpr.R8, VECTOR_BYTES);
    a.add(Gpr.RBX, VECTOR_BYTES);
    a.sub(Gpr.RCX, 1);
    a.jump(Condition.NOT_EQUAL, loop);
    repeat(frame, next);
    frame.leave();
    return at;
  }

  private void allLanes() {
    a.mov(Gpr.RAX, -1);
    a.kmovq(SOME, Gpr.RAX);
  }

  /** Goes on with the next window, if there is one. */
  private void repeat(Frame frame, Label next) {
    move(frame, 0, 8);
    move(frame, 2, 9);
    a.mov(Gpr.RAX, frame.argument(7));
    a.sub(Gpr.RAX, 1);
    a.mov(frame.argument(7), Gpr.RAX);
    a.jump(Condition.NOT_EQUAL, next);
  }

  private void move(Frame frame, int argument, int step) {
    a.mov(Gpr.RAX, frame.argument(argument));
    a.mov(Gpr.RCX, frame.argument(step));
    a.add(Gpr.RAX, Gpr.RCX);
    a.mov(frame.argument(argument), Gpr.RAX);
  }

  /** Returns the memory up to three steps from a register on. */
  private static Mem step(Gpr from, Gpr one, Gpr three, int steps) {
    return switch (steps) {
      case 0 -> from.at();
      case 1, 2 -> from.plus(one, steps);
      default -> from.plus(three, 1);
    };
  }

  private static Zmm read(int i) {
    return new Zmm(i);
  }

  private static Zmm point(int i) {
    return new Zmm(POINTS + i);
  }
}
