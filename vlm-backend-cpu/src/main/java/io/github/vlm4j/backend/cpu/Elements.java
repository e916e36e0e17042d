package io.github.vlm4j.backend.cpu;

/**
 * What computes each element of its result by itself. The one operation that reads the result can
 * have it a range at a time, which is then neither written to memory nor read from there.
 */
interface Elements {

  /** Returns where all of the result goes if it is computed at once. */
  Span result();

  /** Returns whether elements are computed from what lies there. */
  boolean reads(Span span);

  /**
   * Computes some elements.
   *
   * @param from the first
   * @param count how many
   * @param to receives them, from {@code toAt} on
   */
  void compute(int from, int count, float[] to, int toAt);
}
