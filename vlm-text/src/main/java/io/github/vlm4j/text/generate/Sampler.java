package io.github.vlm4j.text.generate;

import io.github.vlm4j.core.ModelException;
import java.util.Arrays;
import java.util.BitSet;
import java.util.SplittableRandom;

/**
 * Chooses tokens from logits. It remembers what was read and written, for the penalties, and keeps
 * its working memory, so that a step allocates nothing.
 */
public final class Sampler {

  private static final float MIN_DIVISOR = 1e-20f;

  private final SamplingOptions options;
  private final SplittableRandom random;
  private final BitSet seen;
  private final BitSet written;
  private final float[] scores;
  private final long[] ranked;
  private final double[] probabilities;

  /**
   * Starts with nothing read.
   *
   * @param options how to choose
   * @param vocabularySize the length of a row of logits
   */
  public Sampler(SamplingOptions options, int vocabularySize) {
    this.options = options;
    random = new SplittableRandom(options.seed());
    seen = new BitSet(vocabularySize);
    written = new BitSet(vocabularySize);
    scores = new float[vocabularySize];
    ranked = new long[options.greedy() ? 0 : vocabularySize];
    probabilities = new double[options.greedy() ? 0 : vocabularySize];
  }

  /** Takes note of a prompt's tokens. */
  public void read(int[] prompt) {
    for (int token : prompt) {
      seen.set(token);
    }
  }

  /**
   * Chooses the next token.
   *
   * @param logits {@code [vocabulary]}; not changed
   * @throws ModelException if one is not a finite number
   */
  public int next(float[] logits) {
    penalise(logits);
    int token = options.greedy() ? likeliest() : draw();
    seen.set(token);
    written.set(token);
    return token;
  }

  /**
   * Returns the probabilities from which the next token would be drawn, {@code [vocabulary]}: what
   * the penalties, temperature and cut-offs leave, normalised. For looking at; it allocates.
   */
  public double[] distribution(float[] logits) {
    penalise(logits);
    double[] result = new double[scores.length];
    if (options.greedy()) {
      result[likeliest()] = 1;
      return result;
    }
    int kept = rankAndCut();
    double total = sum(kept);
    for (int i = 0; i < kept; i++) {
      result[id(ranked[i])] = probabilities[i] / total;
    }
    return result;
  }

  private void penalise(float[] logits) {
    requireFinite(logits);
    System.arraycopy(logits, 0, scores, 0, scores.length);
    if (options.repetitionPenalty() != 1) {
      float penalty = (float) options.repetitionPenalty();
      for (int id = seen.nextSetBit(0); id >= 0; id = seen.nextSetBit(id + 1)) {
        scores[id] = scores[id] < 0 ? scores[id] * penalty : scores[id] / penalty;
      }
    }
    if (options.presencePenalty() != 0) {
      float penalty = (float) options.presencePenalty();
      for (int id = written.nextSetBit(0); id >= 0; id = written.nextSetBit(id + 1)) {
        scores[id] -= penalty;
      }
    }
  }

  /** Damaged weights, or activations beyond f32, end here and not as an arbitrary answer. */
  private static void requireFinite(float[] logits) {
    for (int id = 0; id < logits.length; id++) {
      if (!Float.isFinite(logits[id])) {
        throw new ModelException(
            "The model computed "
                + logits[id]
                + " as the score of token "
                + id
                + "; its weights are damaged or do not fit its config.json.");
      }
    }
  }

  private int likeliest() {
    int best = 0;
    for (int id = 1; id < scores.length; id++) {
      if (scores[id] > scores[best]) {
        best = id;
      }
    }
    return best;
  }

  private int draw() {
    int kept = rankAndCut();
    double target = random.nextDouble() * sum(kept);
    for (int i = 0; i < kept - 1; i++) {
      target -= probabilities[i];
      if (target < 0) {
        return id(ranked[i]);
      }
    }
    return id(ranked[kept - 1]);
  }

  /** Ranks tokens by falling score and returns how many of them stay. */
  private int rankAndCut() {
    // A temperature near 0 must not make scores infinite.
    float temperature = Math.max(MIN_DIVISOR, (float) options.temperature());
    for (int id = 0; id < scores.length; id++) {
      scores[id] /= temperature;
    }
    int kept = rank();
    double best = score(ranked[0]);
    for (int i = 0; i < kept; i++) {
      probabilities[i] = Math.exp(score(ranked[i]) - best);
    }
    kept = cutTopP(kept);
    return cutMinP(kept);
  }

  private int rank() {
    int kept = 0;
    float threshold = topKThreshold();
    for (int id = 0; id < scores.length; id++) {
      if (scores[id] >= threshold) {
        ranked[kept++] = key(scores[id], id);
      }
    }
    Arrays.sort(ranked, 0, kept);
    return kept;
  }

  /** Returns the k-th largest score, by a heap of the k largest whose smallest is its root. */
  private float topKThreshold() {
    int k = options.topK();
    if (k == 0 || k >= scores.length) {
      return Float.NEGATIVE_INFINITY;
    }
    // ranked is free until the ranking; its first k places hold the heap, largest key at the root,
    // which is the smallest score.
    for (int i = 0; i < k; i++) {
      ranked[i] = key(scores[i], i);
    }
    for (int i = k / 2 - 1; i >= 0; i--) {
      sink(i, k);
    }
    for (int id = k; id < scores.length; id++) {
      long key = key(scores[id], id);
      if (key < ranked[0]) {
        ranked[0] = key;
        sink(0, k);
      }
    }
    return (float) score(ranked[0]);
  }

  private void sink(int start, int size) {
    int at = start;
    while (true) {
      int child = 2 * at + 1;
      if (child >= size) {
        return;
      }
      if (child + 1 < size && ranked[child + 1] > ranked[child]) {
        child++;
      }
      if (ranked[at] >= ranked[child]) {
        return;
      }
      long swapped = ranked[at];
      ranked[at] = ranked[child];
      ranked[child] = swapped;
      at = child;
    }
  }

  private int cutTopP(int kept) {
    if (options.topP() >= 1) {
      return kept;
    }
    double total = sum(kept);
    double tail = 0;
    int last = kept;
    // Counted from the unlikely end, as the reference does: a token goes while those up to and
    // including it have at most 1 - topP.
    while (last > 1) {
      tail += probabilities[last - 1] / total;
      if (tail > 1 - options.topP()) {
        break;
      }
      last--;
    }
    return last;
  }

  private int cutMinP(int kept) {
    int last = kept;
    while (last > 1 && probabilities[last - 1] < options.minP() * probabilities[0]) {
      last--;
    }
    return last;
  }

  private double sum(int kept) {
    double total = 0;
    for (int i = 0; i < kept; i++) {
      total += probabilities[i];
    }
    return total;
  }

  /** Packs a score and a token so that larger scores, and of equal ones smaller ids, sort first. */
  private static long key(float score, int id) {
    int bits = Float.floatToIntBits(score);
    int ascending = bits ^ (bits >> 31 & Integer.MAX_VALUE);
    return (long) ~ascending << 32 | id;
  }

  private static int id(long key) {
    return (int) key;
  }

  private static double score(long key) {
    int ascending = ~(int) (key >> 32);
    return Float.intBitsToFloat(ascending ^ (ascending >> 31 & Integer.MAX_VALUE));
  }
}
