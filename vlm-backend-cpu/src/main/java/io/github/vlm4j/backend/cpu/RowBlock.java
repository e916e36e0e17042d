package io.github.vlm4j.backend.cpu;

import io.github.vlm4j.backend.cpu.kernel.Runs;

/**
 * Rows that one thread multiplies at a time, lying anywhere in an array. Mutable and reused, so
 * that a run allocates nothing.
 */
final class RowBlock {

  /** Holds the rows; their starts are counted from {@link #xAt}. */
  float[] x = new float[0];

  /** What the rows' starts are counted from. */
  int xAt;

  /** Where rows lie; those of the block are some of them. */
  Runs rows = new Runs(new int[0], 0, 1, 0, 0);

  /** The first row of the block, a multiple of the kernels' run tile. */
  int first;

  /** The number of rows of the block. */
  int count;

  /** Returns where a row of the block begins. */
  int start(int row) {
    return xAt + rows.starts()[first + row];
  }
}
