package io.github.vlm4j.backend.cpu.kernel;

import java.util.Arrays;

/**
 * The rows of a matrix where they lie in an array: row r is {@code runs} runs of {@code length}
 * floats, of which run i begins at {@code starts[r] + i · apart}. A dense matrix has one run a row;
 * what a convolution's kernel sees at a place is one run for each line of the kernel (after Dukhan,
 * "The Indirect Convolution Algorithm", 2019).
 *
 * @param starts where rows begin; the last is repeated to a multiple of the row tile
 * @param rows the number of rows
 * @param runs the runs of a row
 * @param length the floats of a run
 * @param apart the distance between the beginnings of a row's runs
 */
public record Runs(int[] starts, int rows, int runs, int length, int apart) {

  /** Returns the length of a row. */
  public int size() {
    return Math.multiplyExact(runs, length);
  }

  /**
   * Returns the rows of a dense matrix.
   *
   * @param tile the multiple of rows that kernels compute at once
   */
  public static Runs dense(int rows, int columns, int tile) {
    int[] starts = new int[Math.ceilDiv(rows, tile) * tile];
    Arrays.setAll(starts, row -> Math.min(row, rows - 1) * columns);
    return new Runs(starts, rows, 1, columns, 0);
  }
}
