package io.github.vlm4j.backend.cpu.emitted;

/**
 * The beginning and the end of a function. Between them all registers but the stack pointer are
 * free to use, and all arguments, addresses and whole numbers of eight bytes, lie in memory.
 */
final class Frame {

  private static final int WORD = Long.BYTES;
  private static final int VECTOR = 16;

  private final Assembler assembler;
  private final CallingConvention convention;
  private final boolean vectors;
  private final int locals;

  /**
   * Writes the beginning of a function that uses vectors, of a processor with AVX.
   *
   * @param assembler what all of the function is written to
   * @param convention how it is called
   */
  Frame(Assembler assembler, CallingConvention convention) {
    this(assembler, convention, true, 0);
  }

  /**
   * Writes the beginning of a function that uses vectors.
   *
   * @param locals the whole numbers of eight bytes that it keeps in memory besides its arguments
   */
  Frame(Assembler assembler, CallingConvention convention, int locals) {
    this(assembler, convention, true, locals);
  }

  /** Writes the beginning of a function that uses no vectors and runs on any x86-64. */
  static Frame withoutVectors(Assembler assembler, CallingConvention convention) {
    return new Frame(assembler, convention, false, 0);
  }

  private Frame(Assembler assembler, CallingConvention convention, boolean vectors, int locals) {
    this.assembler = assembler;
    this.convention = convention;
    this.vectors = vectors;
    this.locals = locals;
    convention.kept().forEach(assembler::push);
    assembler.sub(Gpr.RSP, size());
    for (int i = 0; i < convention.arguments().size(); i++) {
      assembler.mov(argument(i), convention.arguments().get(i));
    }
    for (int i = 0; i < keptVectors(); i++) {
      Zmm register = new Zmm(convention.firstKeptVector() + i);
      assembler.op(Vex.VMOVUPS_XMM_STORE, register, Gpr.RSP.at(VECTOR * i));
    }
  }

  private int keptVectors() {
    return vectors
        ? Math.max(0, convention.lastKeptVector() - convention.firstKeptVector() + 1)
        : 0;
  }

  private int size() {
    return VECTOR * keptVectors() + WORD * (convention.arguments().size() + locals);
  }

  /** Returns where a whole number is kept, which is anything at first. */
  Mem local(int index) {
    return Gpr.RSP.at(VECTOR * keptVectors() + WORD * (convention.arguments().size() + index));
  }

  /** Returns where an argument lies. It may be overwritten. */
  Mem argument(int index) {
    int inRegisters = convention.arguments().size();
    if (index < inRegisters) {
      return Gpr.RSP.at(VECTOR * keptVectors() + WORD * index);
    }
    int returnAddress = size() + WORD * convention.kept().size();
    return Gpr.RSP.at(returnAddress + WORD * (1 + convention.shadowed() + index - inRegisters));
  }

  /** Writes the end of the function. */
  void leave() {
    for (int i = 0; i < keptVectors(); i++) {
      Zmm register = new Zmm(convention.firstKeptVector() + i);
      assembler.op(Vex.VMOVUPS_XMM, register, Gpr.RSP.at(VECTOR * i));
    }
    if (vectors) {
      assembler.vzeroupper();
    }
    assembler.add(Gpr.RSP, size());
    convention.kept().reversed().forEach(assembler::pop);
    assembler.ret();
    assembler.align();
  }
}
