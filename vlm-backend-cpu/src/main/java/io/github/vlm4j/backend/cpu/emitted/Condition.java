package io.github.vlm4j.backend.cpu.emitted;

/** What a jump depends on, named as the processor's manual does; signed where that matters. */
enum Condition {
  /** Of numbers without signs, and of floating-point numbers. */
  NOT_BELOW(0x3),
  EQUAL(0x4),
  NOT_EQUAL(0x5),
  LESS(0xc),
  GREATER_OR_EQUAL(0xd),
  LESS_OR_EQUAL(0xe),
  GREATER(0xf);

  /** The lower half of the opcode. */
  final int code;

  Condition(int code) {
    this.code = code;
  }
}
