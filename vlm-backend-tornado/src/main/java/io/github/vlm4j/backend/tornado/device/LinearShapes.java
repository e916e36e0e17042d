package io.github.vlm4j.backend.tornado.device;

/**
 * How linear layers are spread over threads. A GPU needs neighbouring threads that read
 * neighbouring numbers, and few reads for each product; a CPU, whose threads are few, runs one
 * thread of a kernel after the other and is best served by the plainest loop.
 */
enum LinearShapes {
  /** For CPUs. */
  PLAIN,
  /** For GPUs. */
  SHARED;

  /** Up to this many rows each number of the result is summed by a work-group of its own. */
  private static final int MOST_ROWS_OF_GROUPS = 8;

  /** What computes a number of the result. */
  enum Unit {
    /** A thread. */
    THREAD,
    /** A work-group. */
    GROUP,
    /** A work-group, together with its neighbours. */
    TILES
  }

  /** Returns what computes a number of a result of so many rows. */
  Unit of(int rows) {
    if (this == PLAIN) {
      return Unit.THREAD;
    }
    return rows <= MOST_ROWS_OF_GROUPS ? Unit.GROUP : Unit.TILES;
  }
}
