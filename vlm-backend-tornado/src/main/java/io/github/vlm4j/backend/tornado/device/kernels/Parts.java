package io.github.vlm4j.backend.tornado.device.kernels;

import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * Launches of one kernel that were made one launch. Each part has {@value #SIZE} parameters of its
 * own, and its threads or work-groups follow those of the part before.
 */
public final class Parts {

  /** The parameters of a part. */
  public static final int SIZE = 16;

  /** The greatest number of parts. */
  public static final int MOST = 3;

  /** Where a part's threads are counted, of kernels of threads. */
  public static final int THREADS = 0;

  /** Where a part's work-groups are counted, of kernels of work-groups. */
  public static final int GROUPS = SIZE - 1;

  private Parts() {}

  /**
   * Returns where the parameters of the part begin that a thread or work-group belongs to.
   *
   * @param count {@link #THREADS} or {@link #GROUPS}
   */
  static int of(IntArray p, int count, int index) {
    int part = 0;
    if (index >= p.get(count)) {
      part = SIZE;
    }
    if (index >= p.get(count) + p.get(SIZE + count)) {
      part = 2 * SIZE;
    }
    return part;
  }

  /** Returns the number of threads or work-groups of the parts before one. */
  static int before(IntArray p, int count, int part) {
    int before = 0;
    if (part > 0) {
      before = p.get(count);
    }
    if (part > SIZE) {
      before = before + p.get(SIZE + count);
    }
    return before;
  }
}
