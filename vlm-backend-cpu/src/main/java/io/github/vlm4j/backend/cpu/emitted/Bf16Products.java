package io.github.vlm4j.backend.cpu.emitted;

import java.lang.foreign.MemorySegment;

/** Products of inputs and weights in bf16, whose sums are f32. Distances are in bytes. */
sealed interface Bf16Products permits DotProducts, TileProducts {

  /**
   * Returns whether convolutions are faster with transforms that spare multiplications: these take
   * longer than what they spare where products are fast.
   */
  boolean spares();

  /** Returns the inputs from which on laying weights out takes less time than it spares. */
  int leastInputs();

  /** Returns how the weights lie. */
  PanelLayout layout();

  /** Returns the inputs that are multiplied at once. */
  int rows();

  /**
   * Returns the inputs whose sums stay in a second cache from one part of the inner dimension to
   * the next.
   */
  int mostRows();

  /** Returns the outputs that inputs in a second cache are multiplied with. */
  int bandOutputs();

  /**
   * Computes {@code sums[r, o] = first[r, o] + Σ inputs[r, i] · weights[i, o]}.
   *
   * @param inputs rows of whole blocks, of which what is after the last number is 0; a row is some
   *     runs of as many numbers each
   * @param runs the runs of a row, at least 1
   * @param runsApart from a run to the next
   * @param panels the weights, a panel for each {@link PanelLayout#width} outputs, of which what is
   *     after the last input is 0
   * @param first what sums begin with; 0 from row to row if all begin with the same
   * @param firstStep from a panel's part of that to the next
   * @param numbers the inner dimension of a run, at least 1
   * @param rows at least 1
   * @param outputs at least 1
   */
  void multiply(
      MemorySegment inputs,
      long inputsApart,
      int runs,
      long runsApart,
      MemorySegment panels,
      long panelsApart,
      MemorySegment first,
      long firstApart,
      long firstStep,
      MemorySegment sums,
      long sumsApart,
      int numbers,
      int rows,
      int outputs);

  /**
   * Computes {@code scores[r, k] = Σ queries[r, i] · keys[i, k]}, where anything may be written
   * behind the last key of a panel.
   *
   * @param zeros as many as a panel is wide
   * @param numbers the length of a query, at least 1
   * @param rows at least 1
   * @param keys at least 1
   */
  default void score(
      MemorySegment queries,
      long queriesApart,
      MemorySegment panels,
      long panelsApart,
      MemorySegment zeros,
      MemorySegment scores,
      long scoresApart,
      int numbers,
      int rows,
      int keys) {
    multiply(
        queries,
        queriesApart,
        1,
        0,
        panels,
        panelsApart,
        zeros,
        0,
        0,
        scores,
        scoresApart,
        numbers,
        rows,
        keys);
  }
}
