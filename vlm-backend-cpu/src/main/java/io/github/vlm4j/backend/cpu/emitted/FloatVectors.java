package io.github.vlm4j.backend.cpu.emitted;

import io.github.vlm4j.core.tensor.DType;

/** What products in f32 and their softmax are made of, for vectors of one width. */
interface FloatVectors {

  /** Compares for "not less", which holds for NaN. */
  int NOT_LESS = 0x15;

  /** Loads a vector. */
  void load(Zmm to, Mem from);

  /** Loads a vector of numbers of 16 bits and fills it up with zeros below them. */
  void loadUpperHalves(Zmm to, Mem from);

  /** Loads a vector of f16. */
  void loadF16(Zmm to, Mem from);

  /** Loads a vector of numbers that are stored as f32, f16 or bf16. */
  default void load(DType type, Zmm to, Mem from) {
    switch (type) {
      case F32 -> load(to, from);
      case F16 -> loadF16(to, from);
      case BF16 -> loadUpperHalves(to, from);
      default -> throw new IllegalArgumentException("There is no instruction for " + type);
    }
  }

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

  /**
   * Combines all lanes of a vector and sets all to the result.
   *
   * @param op one whose second and third vector may change places
   * @param free a vector to be overwritten
   */
  void combine(FloatOp op, Zmm vector, Zmm free);

  /**
   * Adds lanes together until eight are left, the lowest.
   *
   * @param free a vector to be overwritten
   */
  void sumToEight(Zmm vector, Zmm free);

  /** Shifts lanes to the left as whole numbers. */
  void shiftLeft(Zmm to, Zmm from, int bits);

  /**
   * Clears lanes of a vector where another's are less than a third's; NaN is not less.
   *
   * @param compared may be overwritten
   */
  void clearLess(Zmm vector, Zmm compared, Zmm least);
}
