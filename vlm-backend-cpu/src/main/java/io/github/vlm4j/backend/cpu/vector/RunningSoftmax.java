package io.github.vlm4j.backend.cpu.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * A softmax over scores that come tile by tile (Milakov and Gimelshein, "Online normalizer
 * calculation for softmax", 2018). Vectors run along the queries.
 *
 * <p>Exponentials are powers of two: a score is multiplied with log₂e and the same product of the
 * greatest score taken off in one step that rounds once, so that large scores lose nothing by it.
 */
final class RunningSoftmax {

  private static final VectorSpecies<Float> F = Lanes.F32;
  private static final int L = Lanes.COUNT;
  private static final int WIDTH = Tile.WIDTH;

  private static final float LOG2_E = 1.44269504088896341f;

  private RunningSoftmax() {}

  /** Does what {@link io.github.vlm4j.backend.cpu.kernel.PanelLoops#soften} says. */
  static void soften(
      int keys, float[] scores, int from, float[] results, int resultsAt, int depth) {
    int maxima = resultsAt + depth * WIDTH;
    FloatVector factor = FloatVector.broadcast(F, LOG2_E);
    for (int lane = 0; lane < WIDTH; lane += L) {
      FloatVector before = FloatVector.fromArray(F, results, maxima + lane);
      raise(keys, scores, from + lane, results, maxima + lane);
      FloatVector max = FloatVector.fromArray(F, results, maxima + lane);
      // A query that has seen no key yet: any finite base keeps -∞ - -∞ from becoming NaN.
      FloatVector base =
          max.blend(0f, max.compare(VectorOperators.EQ, Float.NEGATIVE_INFINITY)).mul(-LOG2_E);
      FloatVector sum = FloatVector.zero(F);
      for (int j = 0; j < keys; j++) {
        int at = from + lane + j * WIDTH;
        FloatVector e =
            VectorMath.exp2OfAtMostMax(FloatVector.fromArray(F, scores, at).fma(factor, base));
        e.intoArray(scores, at);
        sum = sum.add(e);
      }
      FloatVector fade = VectorMath.exp2OfAtMostMax(base.sub(before.mul(-LOG2_E)));
      int sums = maxima + WIDTH + lane;
      fade.fma(FloatVector.fromArray(F, results, sums), sum).intoArray(results, sums);
      if (fade.compare(VectorOperators.NE, 1f).anyTrue()) {
        for (int d = 0; d < depth; d++) {
          int at = resultsAt + lane + d * WIDTH;
          FloatVector.fromArray(F, results, at).mul(fade).intoArray(results, at);
        }
      }
    }
  }

  /**
   * Raises the maxima of a vector of queries to their greatest scores. Comparing and blending costs
   * a third of {@link FloatVector#max}, which has to tell -0 from 0 and spread NaN, and there are
   * two maxima, as each comparison waits for the one before it in its own. All in one method,
   * because vectors that cross methods may become objects.
   */
  private static void raise(int keys, float[] scores, int from, float[] results, int maxima) {
    FloatVector even = FloatVector.fromArray(F, results, maxima);
    FloatVector odd = even;
    int last = from + (keys - 1) * WIDTH;
    for (int at = from; at < last; at += 2 * WIDTH) {
      FloatVector a = FloatVector.fromArray(F, scores, at);
      even = even.blend(a, a.compare(VectorOperators.GT, even));
      FloatVector b = FloatVector.fromArray(F, scores, at + WIDTH);
      odd = odd.blend(b, b.compare(VectorOperators.GT, odd));
    }
    FloatVector a = FloatVector.fromArray(F, scores, last);
    even = even.blend(a, a.compare(VectorOperators.GT, even));
    even.blend(odd, odd.compare(VectorOperators.GT, even)).intoArray(results, maxima);
  }
}
