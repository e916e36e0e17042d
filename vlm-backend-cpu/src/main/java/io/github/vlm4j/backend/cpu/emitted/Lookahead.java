package io.github.vlm4j.backend.cpu.emitted;

/** Asks for weights that are needed soon: a processor does not look beyond a page by itself. */
final class Lookahead {

  /** How far ahead weights are asked for, in bytes; what is behind the last row does no harm. */
  private static final int AHEAD = 2048;

  /** The bytes that caches hold together. */
  private static final int LINE = 64;

  private Lookahead() {}

  /** Asks for some bytes of weights, which are read from rdi on. */
  static void write(Assembler a, int bytes) {
    write(a, AHEAD, bytes);
  }

  /** Asks for some bytes that lie ahead of where rdi points. */
  static void write(Assembler a, int ahead, int bytes) {
    for (int line = 0; line < bytes; line += LINE) {
      a.prefetch(Gpr.RDI.at(ahead + line));
    }
  }
}
