package io.github.vlm4j.backend.cpu;

/**
 * A range of work, 0 to {@code total}, cut into bands of one size of which the last may be shorter.
 *
 * @param total the number of items
 * @param size the number of items of a band, at least 1
 */
record Bands(int total, int size) {

  /** Elements below which handing an addition or a copy to another thread does not pay. */
  static final long LEAST_CHEAP = 1 << 14;

  /** The same for an activation function. */
  static final long LEAST_COSTLY = 1 << 11;

  /** More bands than threads even out cores of unequal speed. */
  private static final int BANDS_PER_THREAD = 4;

  /**
   * Cuts a range for a team.
   *
   * @param least the number of items below which handing them to another thread does not pay
   * @param multiple what the size of a band has to be a multiple of
   */
  static Bands of(int total, long least, int multiple, Workers workers) {
    long bands = workers.size() == 1 ? 1 : (long) workers.size() * BANDS_PER_THREAD;
    long size = Math.max(1, Math.max(least, Math.ceilDiv((long) total, bands)));
    size = Math.ceilDiv(size, (long) multiple) * multiple;
    return new Bands(total, (int) Math.min(size, Math.max(1, total)));
  }

  /** Returns the number of bands. */
  int count() {
    return Math.ceilDiv(total, size);
  }

  /**
   * Returns the bands in an order in which those that follow each other, as many as there are
   * threads, lie far apart: threads that write neighbouring bands at a time take the cache line
   * between these from each other again and again.
   *
   * @param index the place in that order
   */
  int far(int index, int threads) {
    int stretch = index % threads;
    int whole = count() / threads;
    return stretch * whole + Math.min(stretch, count() % threads) + index / threads;
  }

  /** Returns the first item of a band. */
  int from(int band) {
    return band * size;
  }

  /** Returns one past the last item of a band. */
  int to(int band) {
    return (int) Math.min(total, ((long) band + 1) * size);
  }
}
