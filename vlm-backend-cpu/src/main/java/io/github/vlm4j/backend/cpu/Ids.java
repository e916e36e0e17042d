package io.github.vlm4j.backend.cpu;

import io.github.vlm4j.core.ModelException;

/**
 * Row numbers of a table, read anew in each run.
 *
 * @param values i32, of any shape
 * @param rows the number of rows of the table
 * @param where the layer and operation, for the error
 */
record Ids(IntSpan values, int rows, String where) {

  /** Returns the number of ids. */
  int count() {
    return values.length();
  }

  /** Returns one id, which {@link #check} has found good. */
  int get(int index) {
    return values.get(index);
  }

  /**
   * Checks all ids of this run.
   *
   * @throws ModelException if one is no row of the table
   */
  void check() {
    for (int i = 0; i < values.length(); i++) {
      int id = values.get(i);
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
}
