package io.github.vlm4j.text.template;

/** Counts what one rendering uses up, so that a hostile template ends with an exception. */
final class Budget {

  private static final int ELEMENT_COST = 8;

  private final Limits limits;
  private long work;
  private long iterations;
  private int depth;

  Budget(Limits limits) {
    this.limits = limits;
  }

  Limits limits() {
    return limits;
  }

  /** Pays for one step of evaluation or comparison. */
  void step() {
    spend(1);
  }

  /** Pays for list or dict elements about to be created, copied or compared. */
  void elements(long count) {
    spend(saturatedMultiply(count, ELEMENT_COST));
  }

  /** Pays for characters about to be created. */
  void chars(long count) {
    fits(count);
    spend(count);
  }

  /** Pays for a search of a pattern in a text, which in the worst case compares each with each. */
  void search(Text text, Text pattern) {
    spend((long) text.length() * (1 + pattern.length() / 16));
  }

  /** Refuses a string that is too long, while it is being built. */
  void fits(long length) {
    if (length > limits.outputChars()) {
      throw Failure.limit(
          "a string would have more than %,d characters".formatted(limits.outputChars()));
    }
  }

  /** Pays for one pass through a loop body. */
  void iteration() {
    if (++iterations > limits.iterations()) {
      throw Failure.limit("more than %,d passes through loops".formatted(limits.iterations()));
    }
  }

  /** Goes one level deeper; every call is paired with {@link #leave}. */
  void enter() {
    step();
    if (++depth > limits.evaluationDepth()) {
      throw Failure.limit(
          "expressions or macro calls nested more than %d deep"
              .formatted(limits.evaluationDepth()));
    }
  }

  void leave() {
    depth--;
  }

  private void spend(long units) {
    work += units;
    if (work > limits.work() || work < 0) {
      throw Failure.limit(
          "rendering takes more work than allowed (%,d steps)".formatted(limits.work()));
    }
  }

  private static long saturatedMultiply(long count, long cost) {
    return count > Long.MAX_VALUE / (2 * cost) ? Long.MAX_VALUE / 2 : count * cost;
  }
}
