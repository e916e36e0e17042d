package io.github.vlm4j.backend.cpu;

import io.github.vlm4j.core.ModelException;

/**
 * Where rows of a run stand in a cache, read anew each time.
 *
 * @param value i32 {@code [1]}
 * @param capacity the number of rows of the cache
 * @param where the layer and operation, for the error
 */
record Position(IntSpan value, int capacity, String where) {

  /**
   * Returns the position of the first row.
   *
   * @param rows the number of rows
   * @throws ModelException if they do not all lie in the cache
   */
  int check(int rows) {
    int first = value.get(0);
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
    return first;
  }
}
