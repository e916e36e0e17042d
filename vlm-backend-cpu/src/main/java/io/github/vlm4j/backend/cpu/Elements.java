package io.github.vlm4j.backend.cpu;

/**
 * What computes parts of its result each by themselves, single elements or rows. An operation that
 * reads the result next can have it a range at a time, which a first cache holds meanwhile; if it
 * is the only one that does, the result need not be in memory at all.
 */
interface Elements {

  /** Elements that a first cache holds from one operation to the next. */
  int CACHED = 1 << 12;

  /** Returns where all of the result goes if it is computed at once. */
  Span result();

  /** Returns the elements that are computed together; ranges are multiples of that. */
  default int unit() {
    return 1;
  }

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
