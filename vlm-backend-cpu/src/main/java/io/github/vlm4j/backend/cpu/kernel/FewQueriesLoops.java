package io.github.vlm4j.backend.cpu.kernel;

/**
 * The innermost loops of attention of few queries: two of them against some keys and values, which
 * are read from where they lie.
 */
public interface FewQueriesLoops {

  /** Returns whether the keys and values of a task are read as they lie there. */
  boolean takes(AttentionTask task);

  /**
   * Writes the dot products of two queries, which may be the same one, with keys. Their order is
   * the loops' own.
   *
   * @param key the first key
   * @param keys how many, at least 1
   * @param scratch the thread's own; receives those of query {@code a} at {@code at}, the others
   *     {@code apart} behind
   */
  void score(
      AttentionTask task, int a, int b, int key, int keys, float[] scratch, int at, int apart);

  /**
   * Scales scores of one query and replaces them by their exponentials, relative to the greatest
   * score so far.
   *
   * @param keys how many, at least 1
   * @param scratch holds the scores at {@code at}; what lies behind them may be overwritten up to a
   *     multiple of 16 floats
   * @param greatest where in the scratch the greatest score so far is, which is raised
   * @param sum where in the scratch the sum of the exponentials goes
   */
  void soften(AttentionTask task, int keys, float[] scratch, int at, int greatest, int sum);

  /**
   * Adds values, each times a weight, to the results of two queries.
   *
   * @param b the other query, or {@code a} where there is none
   * @param key the first value
   * @param keys how many, at least 1
   * @param scratch holds the weights, in the order of {@link #score}: those for {@code a} at {@code
   *     at}, those for {@code b} {@code apart} behind
   * @param spare where in the scratch the other result goes where nobody needs it, {@code
   *     [valueDim]}
   */
  void addValues(
      AttentionTask task,
      int a,
      int b,
      int key,
      int keys,
      float[] scratch,
      int at,
      int apart,
      int spare);
}
