package io.github.vlm4j.backend.cpu.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * The micro-kernel of matrix products both of whose factors are laid out: what {@link Tile} is to
 * those that lie in rows. As the numbers that are broadcast, the weights of a tile of outputs, have
 * a distance that is known beforehand, one address finds them all.
 */
sealed interface PackedTile permits PackedTile6x2, PackedTile6x4 {

  /** The tile of two vectors. */
  PackedTile NARROW = new PackedTile6x2();

  /** The tile for this process, of a panel's inputs. */
  PackedTile CHOSEN = Tile.wideRegisterFile() ? new PackedTile6x4() : NARROW;

  /** The outputs of a tile. */
  int HEIGHT = 6;

  /** The outputs of what is as narrow as a vector. */
  int TALL = 2 * HEIGHT;

  /** The inputs of a panel, and of a tile. */
  int WIDTH = Tile.WIDTH;

  /**
   * Floats that stay in the first cache: a slice of a panel of inputs and the weights of a tile.
   */
  int CACHED = 7 << 10;

  /**
   * The most products that are added before the next tile's turn, and the distance from the weights
   * of an output to those of the next: 96 with tiles of 64 inputs, which were measured at 90 % of
   * the peak on Zen 5, and at 78 % with 512, where the second cache has to bring the panel for
   * every tile.
   */
  int DEPTH = CACHED / (WIDTH + HEIGHT) / 32 * 32;

  /**
   * Adds {@code Σ w[wAt + i·DEPTH + p] · x[xAt + p·WIDTH + j]} over p below k to {@code c[cAt +
   * i·WIDTH + j]}.
   */
  void add(float[] w, int wAt, float[] x, int xAt, int k, float[] c, int cAt);

  /**
   * Does the same for as many inputs as a vector holds and {@value #TALL} outputs: of fewer sums
   * each would wait for its last product.
   */
  static void addVector(float[] w, int wAt, float[] x, int xAt, int k, float[] c, int cAt) {
    VectorSpecies<Float> f = Lanes.F32;
    FloatVector s0 = FloatVector.fromArray(f, c, cAt);
    FloatVector s1 = FloatVector.fromArray(f, c, cAt + WIDTH);
    FloatVector s2 = FloatVector.fromArray(f, c, cAt + 2 * WIDTH);
    FloatVector s3 = FloatVector.fromArray(f, c, cAt + 3 * WIDTH);
    FloatVector s4 = FloatVector.fromArray(f, c, cAt + 4 * WIDTH);
    FloatVector s5 = FloatVector.fromArray(f, c, cAt + 5 * WIDTH);
    FloatVector s6 = FloatVector.fromArray(f, c, cAt + 6 * WIDTH);
    FloatVector s7 = FloatVector.fromArray(f, c, cAt + 7 * WIDTH);
    FloatVector s8 = FloatVector.fromArray(f, c, cAt + 8 * WIDTH);
    FloatVector s9 = FloatVector.fromArray(f, c, cAt + 9 * WIDTH);
    FloatVector s10 = FloatVector.fromArray(f, c, cAt + 10 * WIDTH);
    FloatVector s11 = FloatVector.fromArray(f, c, cAt + 11 * WIDTH);
    int end = wAt + k;
    int from = xAt - wAt * WIDTH;
    for (int p = wAt; p < end; p++) {
      FloatVector v = FloatVector.fromArray(f, x, from + p * WIDTH);
      s0 = FloatVector.broadcast(f, w[p]).fma(v, s0);
      s1 = FloatVector.broadcast(f, w[p + DEPTH]).fma(v, s1);
      s2 = FloatVector.broadcast(f, w[p + 2 * DEPTH]).fma(v, s2);
      s3 = FloatVector.broadcast(f, w[p + 3 * DEPTH]).fma(v, s3);
      s4 = FloatVector.broadcast(f, w[p + 4 * DEPTH]).fma(v, s4);
      s5 = FloatVector.broadcast(f, w[p + 5 * DEPTH]).fma(v, s5);
      s6 = FloatVector.broadcast(f, w[p + 6 * DEPTH]).fma(v, s6);
      s7 = FloatVector.broadcast(f, w[p + 7 * DEPTH]).fma(v, s7);
      s8 = FloatVector.broadcast(f, w[p + 8 * DEPTH]).fma(v, s8);
      s9 = FloatVector.broadcast(f, w[p + 9 * DEPTH]).fma(v, s9);
      s10 = FloatVector.broadcast(f, w[p + 10 * DEPTH]).fma(v, s10);
      s11 = FloatVector.broadcast(f, w[p + 11 * DEPTH]).fma(v, s11);
    }
    s0.intoArray(c, cAt);
    s1.intoArray(c, cAt + WIDTH);
    s2.intoArray(c, cAt + 2 * WIDTH);
    s3.intoArray(c, cAt + 3 * WIDTH);
    s4.intoArray(c, cAt + 4 * WIDTH);
    s5.intoArray(c, cAt + 5 * WIDTH);
    s6.intoArray(c, cAt + 6 * WIDTH);
    s7.intoArray(c, cAt + 7 * WIDTH);
    s8.intoArray(c, cAt + 8 * WIDTH);
    s9.intoArray(c, cAt + 9 * WIDTH);
    s10.intoArray(c, cAt + 10 * WIDTH);
    s11.intoArray(c, cAt + 11 * WIDTH);
  }
}
