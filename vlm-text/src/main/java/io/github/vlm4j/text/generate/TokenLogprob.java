package io.github.vlm4j.text.generate;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;

/**
 * A token with the logarithm of the probability the model gave it, before penalties, temperature
 * and cut-offs, and the likeliest alternatives at its place.
 *
 * @param token its id
 * @param logprob natural logarithm
 * @param top the likeliest tokens there, the likeliest first; it may contain the token itself
 */
public record TokenLogprob(int token, double logprob, List<Alternative> top) {

  /**
   * A token that could have been.
   *
   * @param token its id
   * @param logprob natural logarithm of its probability
   */
  public record Alternative(int token, double logprob) {}

  /** Keeps an immutable copy. */
  public TokenLogprob {
    top = List.copyOf(top);
  }

  /**
   * Computes the log-probabilities at one place.
   *
   * @param logits {@code [vocabulary]}
   * @param token the token that was chosen
   * @param alternatives how many of the likeliest to list
   */
  public static TokenLogprob of(float[] logits, int token, int alternatives) {
    float best = Float.NEGATIVE_INFINITY;
    for (float logit : logits) {
      best = Math.max(best, logit);
    }
    double total = 0;
    for (float logit : logits) {
      total += Math.exp(logit - (double) best);
    }
    double logTotal = Math.log(total);
    return new TokenLogprob(
        token, logits[token] - (double) best - logTotal, top(logits, alternatives, best, logTotal));
  }

  private static List<Alternative> top(float[] logits, int count, double best, double logTotal) {
    Comparator<Integer> unlikelyFirst =
        Comparator.<Integer>comparingDouble(id -> logits[id])
            .thenComparing(Comparator.reverseOrder());
    PriorityQueue<Integer> heap = new PriorityQueue<>(Math.max(1, count + 1), unlikelyFirst);
    for (int id = 0; count > 0 && id < logits.length; id++) {
      if (heap.size() < count || logits[id] > logits[heap.element()]) {
        heap.add(id);
        if (heap.size() > count) {
          heap.remove();
        }
      }
    }
    List<Alternative> top = new ArrayList<>(heap.size());
    while (!heap.isEmpty()) {
      int id = heap.remove();
      top.addFirst(new Alternative(id, logits[id] - best - logTotal));
    }
    return top;
  }
}
