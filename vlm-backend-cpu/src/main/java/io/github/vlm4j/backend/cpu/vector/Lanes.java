package io.github.vlm4j.backend.cpu.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * The vector width of this process. C2 only emits vector instructions for species that are
 * constants, hence one width per process instead of one per instance.
 */
final class Lanes {

  /** Vectors of floats. */
  static final VectorSpecies<Float> F32;

  /** Vectors of as many ints. */
  static final VectorSpecies<Integer> I32;

  /** Vectors of as many shorts, half as wide. */
  static final VectorSpecies<Short> I16;

  /** The floats of a vector. */
  static final int COUNT;

  static {
    switch (VectorWidth.bits()) {
      case 128 -> {
        F32 = FloatVector.SPECIES_128;
        I32 = IntVector.SPECIES_128;
        I16 = ShortVector.SPECIES_64;
      }
      case 256 -> {
        F32 = FloatVector.SPECIES_256;
        I32 = IntVector.SPECIES_256;
        I16 = ShortVector.SPECIES_128;
      }
      default -> {
        F32 = FloatVector.SPECIES_512;
        I32 = IntVector.SPECIES_512;
        I16 = ShortVector.SPECIES_256;
      }
    }
    COUNT = F32.length();
  }

  static final VectorShuffle<Float> ONE_APART = apart(1);
  static final VectorShuffle<Float> TWO_APART = apart(2);
  static final VectorShuffle<Float> FOUR_APART = apart(4);
  static final VectorShuffle<Float> EIGHT_APART = apart(8);

  private Lanes() {}

  private static VectorShuffle<Float> apart(int distance) {
    return VectorShuffle.fromOp(F32, lane -> (lane ^ distance) % COUNT);
  }

  /**
   * Returns the sum of the lanes, always in the same order. The order of {@code reduceLanes} is
   * left open, and interpreted and compiled code use that: a result would depend on when the JIT
   * has come by.
   *
   * <p>For methods that C2 compiles with counts of their own. One that is inlined before it has
   * any, as its caller is the hotter of the two, does not inline this call, and its vector becomes
   * an object on every call from then on: such methods write these lines out.
   */
  static float sum(FloatVector vector) {
    FloatVector sums = vector;
    if (COUNT > 8) {
      sums = sums.add(sums.rearrange(EIGHT_APART));
    }
    if (COUNT > 4) {
      sums = sums.add(sums.rearrange(FOUR_APART));
    }
    sums = sums.add(sums.rearrange(TWO_APART));
    return sums.add(sums.rearrange(ONE_APART)).lane(0);
  }

  /**
   * Adds up vectors that lie one after the other in an array. Loops that make them store them and
   * leave the sums to this, as C2 stops inlining a method of too many vector operations and makes
   * objects of all its vectors.
   *
   * @param x vectors from {@code xAt} on
   * @param y receives the sums, {@code apart} from each other
   */
  static void sums(float[] x, int xAt, int count, float[] y, int yAt, int apart) {
    for (int i = 0; i < count; i++) {
      y[yAt + i * apart] = sum(FloatVector.fromArray(F32, x, xAt + i * COUNT));
    }
  }
}
