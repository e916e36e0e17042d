package io.github.vlm4j.backend.tornado.device;

import io.github.vlm4j.core.ModelException;

/**
 * Integers of a graph as the host sees them, which checks them before each run.
 *
 * @param array where they are
 * @param at the first
 * @param count how many
 * @param device where the first lies in the device's heap of integers
 */
record HostInts(int[] array, int at, int count, int device) {

  /**
   * Checks that all are rows of a table.
   *
   * @param where the layer and operation, for the error
   * @throws ModelException if one is not
   */
  void requireRows(long rows, String where) {
    for (int i = 0; i < count; i++) {
      int id = array[at + i];
      if (id < 0 || id >= rows) {
        throw new ModelException(
            where
                + ": id "
                + id
                + " at index "
                + i
                + " is not a row of a table of "
                + rows
                + " rows (0 to "
                + (rows - 1)
                + ").");
      }
    }
  }

  /**
   * Checks that rows from the first integer on lie in a cache.
   *
   * @param capacity the number of rows of the cache
   * @param where the layer and operation, for the error
   * @throws ModelException if they do not
   */
  void requireRoom(long rows, long capacity, String where) {
    int first = array[at];
    if (first < 0 || rows > capacity - first) {
      throw new ModelException(
          where
              + ": "
              + rows
              + " rows from position "
              + first
              + " do not fit a cache of "
              + capacity
              + " rows; allocate a larger one or shorten the input.");
    }
  }
}
