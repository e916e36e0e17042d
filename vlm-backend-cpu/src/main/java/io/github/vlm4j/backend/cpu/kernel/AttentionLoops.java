package io.github.vlm4j.backend.cpu.kernel;

/** The innermost loops of attention. */
public interface AttentionLoops {

  /** Returns the floats of scratch that one thread needs for {@link #attend}. */
  int attendScratch(int headDim, int valueDim);

  /** Returns the number of queries that one call of {@link #attend} should have at most. */
  int queryTile();

  /**
   * Computes attention of a block of queries of one head over all the keys they see, without ever
   * holding more than a tile of scores.
   *
   * @param task where queries, keys, values and results lie, and which keys are seen
   * @param firstQuery the first query of the block
   * @param lastQuery one past the last query of the block
   * @param scratch this thread's own, {@link #attendScratch} floats
   */
  void attend(AttentionTask task, int firstQuery, int lastQuery, float[] scratch);
}
