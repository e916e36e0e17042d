package io.github.vlm4j.backend.cpu.vector;

/**
 * The micro-kernel of matrix products: a block of {@code rows × (vectors · lanes)} sums that stays
 * in registers while the inner dimension is walked, after Goto and van de Geijn, "Anatomy of
 * High-Performance Matrix Multiplication" (2008).
 *
 * <p>One factor is broadcast number by number, the other is read as vectors. Sums are {@code [rows,
 * vectors · lanes]}.
 */
sealed interface Tile permits Tile6x2, Tile5x4 {

  /** The tile for this process, see the measurements in the implementations. */
  Tile CHOSEN = wideRegisterFile() ? new Tile5x4() : new Tile6x2();

  /** The number of inputs that a panel holds side by side. */
  int WIDTH = CHOSEN.vectors() * Lanes.COUNT;

  /** The number of outputs of a tile. */
  int HEIGHT = CHOSEN.rows();

  /** Returns the outputs that are summed at once. */
  int rows();

  /** Returns the vectors of inputs that are summed at once. */
  int vectors();

  /**
   * Adds {@code Σ w[wAt + i·step + p] · x[xAt + p·WIDTH + j]} over p to {@code c[cAt + i·WIDTH +
   * j]}.
   */
  void addRows(float[] w, int wAt, int step, float[] x, int xAt, int k, float[] c, int cAt);

  /**
   * Like {@link #addRows} for one vector of inputs out of panels that are {@code width} floats
   * wide.
   */
  void addRowsNarrow(
      float[] w, int wAt, int step, float[] x, int xAt, int k, float[] c, int cAt, int width);

  /**
   * Writes {@code first[firstAt + i·firstApart + j] + Σ w[starts[from + i] + shift + p] · x[xAt +
   * p·WIDTH + j]}, summed over p, to {@code c[cAt + i·apart + j]}. Here the inputs are broadcast
   * and the weights are read as vectors.
   */
  void addRuns(
      float[] w,
      int[] starts,
      int from,
      int shift,
      float[] x,
      int xAt,
      int k,
      float[] first,
      int firstAt,
      int firstApart,
      float[] c,
      int cAt,
      int apart);

  /**
   * Like {@link #addRuns} for one vector of weights out of panels that are {@code width} floats
   * wide.
   */
  void addRunsNarrow(
      float[] w,
      int[] starts,
      int from,
      int shift,
      float[] x,
      int xAt,
      int k,
      int width,
      float[] first,
      int firstAt,
      int firstApart,
      float[] c,
      int cAt,
      int apart);

  /** AVX-512 and AArch64 have 32 vector registers, SSE and AVX2 have 16. */
  static boolean wideRegisterFile() {
    return VectorWidth.bits() == 512 || System.getProperty("os.arch", "").equals("aarch64");
  }
}
