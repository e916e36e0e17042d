package io.github.vlm4j.backend.cpu.kernel;

import io.github.vlm4j.core.tensor.DType;
import org.jspecify.annotations.Nullable;

/**
 * The innermost loops, each over a part of the work so that a caller can spread it over threads.
 * Implementations keep no state, allocate nothing and may be called by several threads at once.
 * Every array comes with the index at which its data begins.
 */
public interface Kernels extends RunLoops, AttentionLoops, ElementLoops {

  /**
   * With fewer inputs, laying out weights takes longer than laying out inputs for {@link #matMul}.
   */
  @Override
  default int leastInputs(DType weights) {
    return 160;
  }

  /**
   * Returns these kernels with another innermost loop that computes the same, or these if they have
   * none of that kind.
   */
  Kernels over(PanelLoops panels);

  /** The same for attention of few queries. */
  Kernels over(FewQueriesLoops fewQueries);

  /**
   * Returns products that are faster where many inputs meet many outputs, as inputs are laid out
   * first, or null if there are none. Their sums are the same to the last bit.
   */
  default @Nullable PreparedLoops prepared() {
    return null;
  }

  /** Returns a short name for listings, such as {@code scalar} or {@code vector-256}. */
  String name();

  /**
   * Computes some outputs of {@code y = W·x + bias} for one input row, streaming W once.
   *
   * @param w {@code [rows, columns]}
   * @param fromRow the first output
   * @param toRow one past the last output
   * @param x {@code [columns]}
   * @param bias {@code [rows]} from index 0, or null
   * @param y output r is written at {@code yAt + r}
   * @param scratch this thread's own, {@link #matVecScratch} floats
   */
  void matVec(
      Matrix w,
      int fromRow,
      int toRow,
      float[] x,
      int xAt,
      float @Nullable [] bias,
      float[] y,
      int yAt,
      float[] scratch);

  /** Returns the floats of scratch that one thread needs for {@link #matVec} with k inputs. */
  int matVecScratch(int k);

  /** Returns the floats that {@link #packInputs} needs for n rows of k inputs. */
  int packedFloats(int n, int k);

  /** Returns how many rows of inputs {@link #packInputs} packs together. */
  int inputTile();

  /**
   * Lays input rows out as {@link #matMul} reads them.
   *
   * @param x {@code [n, k]}
   * @param packed {@link #packedFloats} floats
   * @param fromTile the first group of {@link #inputTile} rows
   * @param toTile one past the last group; the last one of all may be partial
   */
  void packInputs(
      float[] x, int xAt, int n, int k, float[] packed, int packedAt, int fromTile, int toTile);

  /** Returns the floats of scratch that one thread needs for {@link #matMul} with k inputs. */
  int matMulScratch(int k);

  /** Returns the number of outputs that one call of {@link #matMul} should be a multiple of. */
  int outputTile();

  /**
   * Computes some outputs of {@code y = x·Wᵀ + bias} for n packed input rows.
   *
   * @param packed all n rows as {@link #packInputs} laid them out
   * @param w {@code [rows, columns]}
   * @param fromRow the first output
   * @param toRow one past the last output
   * @param bias {@code [rows]} from index 0, or null
   * @param y {@code [n, outputs]}
   * @param outputs the number of all outputs
   * @param scratch this thread's own, {@link #matMulScratch} floats
   */
  void matMul(
      float[] packed,
      int packedAt,
      int n,
      Matrix w,
      int fromRow,
      int toRow,
      float @Nullable [] bias,
      float[] y,
      int yAt,
      int outputs,
      float[] scratch);

  /**
   * Lays the weights of a matrix that is stored the other way round out as {@link #multiplyRuns}
   * reads them, without a bias.
   *
   * @param w {@code [inputs, outputs]}
   * @param fromColumn the first output
   * @param toColumn one past the last output
   * @param packed {@link #packedWeightFloats} floats
   */
  void packColumns(Matrix w, int fromColumn, int toColumn, float[] packed, int packedAt);

  /**
   * Adds rows {@code fromRow} to {@code toRow} of a matrix, row r times {@code x[xAt + r]}, to
   * {@code y[yAt..]}: a part of {@code x·W} for a matrix that is stored the other way round.
   */
  void addScaledRows(Matrix w, int fromRow, int toRow, float[] x, int xAt, float[] y, int yAt);

  /** Replaces n values by their softmax, computed with the maximum subtracted. */
  void softmax(float[] x, int xAt, int n);

  /** Returns the dot product of n values. */
  float dot(float[] a, int aAt, float[] b, int bAt, int n);

  /** Returns the transforms of convolutions that spare multiplications. */
  Winograd winograd();

  /** Returns loops that measure what these kernels could reach at best. */
  Probe probe();
}
