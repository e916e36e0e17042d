package io.github.vlm4j.backend.cpu.emitted;

/** What products in f32 and their softmax are made of, for vectors of one width. */
interface FloatVectors {

  /** Compares for "not less", which holds for NaN. */
  int NOT_LESS = 0x15;

  /** Loads a vector. */
  void load(Zmm to, Mem from);

  /** Stores a vector. */
  void store(Zmm from, Mem to);

  /**
   * Chooses lanes for {@link #loadSome} and {@link #storeSome}.
   *
   * @param bits one for each lane; overwritten
   * @param free a vector to be overwritten
   */
  void choose(Gpr bits, Zmm free);

  /** Loads the chosen lanes, zeros in the others. */
  void loadSome(Zmm to, Mem from);

  /** Stores the chosen lanes. */
  void storeSome(Zmm from, Mem to);

  /** Sets all lanes to a number. */
  void broadcast(Zmm to, Mem from);

  /** Sets all lanes to the lower four bytes of a register. */
  void broadcast(Zmm to, Gpr from);

  /** Moves a vector. */
  void move(Zmm to, Zmm from);

  /** An operation of three vectors, the result first. */
  void op(FloatOp op, Zmm first, Zmm second, Zmm third);

  /** An operation whose third vector is in memory. */
  void op(FloatOp op, Zmm first, Zmm second, Mem third);

  /** Shifts lanes to the left as whole numbers. */
  void shiftLeft(Zmm to, Zmm from, int bits);

  /**
   * Clears lanes of a vector where another's are less than a third's; NaN is not less.
   *
   * @param compared may be overwritten
   */
  void clearLess(Zmm vector, Zmm compared, Zmm least);
}
