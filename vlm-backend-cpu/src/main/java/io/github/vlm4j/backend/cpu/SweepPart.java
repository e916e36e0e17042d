package io.github.vlm4j.backend.cpu;

import java.util.ArrayList;
import java.util.List;

/**
 * Some rows of one of several matrices that threads stream together: what one thread takes at a
 * time.
 *
 * @param matrix which
 * @param from the first row
 * @param to one past the last
 */
record SweepPart(int matrix, int from, int to) {

  /**
   * The rows of a matrix, or of several that are read side by side.
   *
   * @param count how many
   * @param bytes of each, at least 1
   * @param most the rows of a part, at most
   */
  record Rows(int count, long bytes, int most) {}

  /** Bytes below which another thread does not pay. */
  static final long LEAST_BYTES = 1 << 16;

  /** Kernels stream several rows side by side. */
  static final int MULTIPLE = 8;

  /** A part is one in so many of what each thread would have left. */
  private static final int SHARE = 2;

  /**
   * Cuts matrices into parts that become smaller towards the end, where a thread that is done waits
   * for the others: there are few places where reading begins anew, and all threads are done at
   * about the same time, be they as fast as each other or not.
   *
   * @param matrices in the order in which they are read
   */
  static List<SweepPart> cut(List<Rows> matrices, int threads) {
    List<SweepPart> parts = new ArrayList<>();
    long left = matrices.stream().mapToLong(rows -> rows.bytes() * rows.count()).sum();
    for (int i = 0; i < matrices.size(); i++) {
      Rows rows = matrices.get(i);
      for (int from = 0; from < rows.count(); ) {
        long bytes = threads == 1 ? left : Math.max(LEAST_BYTES, left / ((long) SHARE * threads));
        long size = Math.min(rows.most(), Math.ceilDiv(bytes, rows.bytes()));
        long whole = Math.ceilDiv(size, (long) MULTIPLE) * MULTIPLE;
        int to = (int) Math.min(rows.count(), from + whole);
        parts.add(new SweepPart(i, from, to));
        left -= rows.bytes() * (to - from);
        from = to;
      }
    }
    return List.copyOf(parts);
  }
}
