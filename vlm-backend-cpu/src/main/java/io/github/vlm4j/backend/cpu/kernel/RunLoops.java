package io.github.vlm4j.backend.cpu.kernel;

import io.github.vlm4j.core.tensor.DType;
import org.jspecify.annotations.Nullable;

/**
 * The innermost loops of a product of many inputs: weights are laid out once for a band of outputs,
 * then inputs are multiplied with them where they lie.
 */
public interface RunLoops {

  /** Floats of weights that stay in a second cache, beside the inputs. */
  int BAND_FLOATS = (1 << 16) + (1 << 12);

  /**
   * Returns the inputs from which on this is no slower than other ways to multiply with weights of
   * a type.
   */
  int leastInputs(DType weights);

  /** Returns the number of inputs that {@link #multiplyRuns} computes at once. */
  int runTile();

  /**
   * Returns where inputs or weights that are laid out in an array had best begin. The answer may
   * differ from call to call, as arrays are moved.
   *
   * @param at the first place that is free
   */
  default int aligned(float[] array, int at) {
    return at;
  }

  /**
   * Returns the floats that {@link #packWeights} needs for some outputs of k inputs, wherever
   * {@link #aligned} says they begin.
   */
  int packedWeightFloats(int outputs, int k);

  /**
   * Returns the number of outputs that one call of {@link #packWeights} should be a multiple of.
   */
  int weightTile();

  /**
   * Returns the outputs whose weights had best be laid out together: as many as stay in a second
   * cache, beside the inputs.
   */
  default int bandOutputs(int k) {
    int tile = weightTile();
    int floats = packedWeightFloats(2 * tile, k) - packedWeightFloats(tile, k);
    return Math.max(1, BAND_FLOATS / floats) * tile;
  }

  /**
   * Lays weights and their bias out as {@link #multiplyRuns} reads them.
   *
   * @param w {@code [rows, columns]}
   * @param bias {@code [rows]} from index 0, or null
   * @param fromRow the first output
   * @param toRow one past the last output
   * @param packed {@link #packedWeightFloats} floats
   * @param scratch this thread's own, {@link #runScratch} floats
   */
  void packWeights(
      Matrix w,
      float @Nullable [] bias,
      int fromRow,
      int toRow,
      float[] packed,
      int packedAt,
      float[] scratch);

  /** Returns the floats of scratch that one thread needs for {@link #multiplyRuns}. */
  int runScratch();

  /**
   * Computes some outputs of {@code y = x·Wᵀ + bias} for some inputs that lie anywhere in an array.
   * Faster than {@link Kernels#matMul} for many inputs, as these are not rearranged.
   *
   * @param x holds the inputs; their starts are counted from {@code xAt}
   * @param inputs where they lie
   * @param fromInput the first input, a multiple of {@link #runTile}
   * @param toInput one past the last input
   * @param packed outputs {@code fromRow} to {@code toRow} as {@link #packWeights} laid them out
   * @param y {@code [inputs, outputs]}
   * @param outputs the number of all outputs
   * @param scratch this thread's own, {@link #runScratch} floats
   */
  void multiplyRuns(
      float[] x,
      int xAt,
      Runs inputs,
      int fromInput,
      int toInput,
      float[] packed,
      int packedAt,
      int fromRow,
      int toRow,
      float[] y,
      int yAt,
      int outputs,
      float[] scratch);
}
