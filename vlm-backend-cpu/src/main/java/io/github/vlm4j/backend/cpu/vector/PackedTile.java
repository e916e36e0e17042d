package io.github.vlm4j.backend.cpu.vector;

/**
 * The micro-kernel of matrix products whose inputs are laid out, too: what {@link Tile} is to those
 * that lie in rows. As the numbers that are broadcast lie next to each other, one address finds
 * them all.
 */
sealed interface PackedTile permits PackedTile6x2, PackedTile6x4 {

  /** The tile for this process. */
  PackedTile CHOSEN = Tile.wideRegisterFile() ? new PackedTile6x4() : new PackedTile6x2();

  /** The inputs of a tile. */
  int HEIGHT = 6;

  /** The outputs of a tile, and of a panel of weights. */
  int WIDTH = Tile.WIDTH;

  /** From the inputs of one inner step to those of the next. */
  int PITCH = 8;

  /**
   * Writes {@code first[firstAt + i·firstApart + j] + Σ x[xAt + p·PITCH + i] · w[wAt + p·WIDTH +
   * j]}, summed over p, to {@code c[cAt + i·WIDTH + j]}.
   */
  void add(
      float[] x,
      int xAt,
      float[] w,
      int wAt,
      int k,
      float[] first,
      int firstAt,
      int firstApart,
      float[] c,
      int cAt);
}
