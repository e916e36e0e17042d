package io.github.vlm4j.backend.cpu.kernel;

/**
 * Products of many inputs that are laid out, and perhaps rounded, once for all bands of outputs
 * before they are multiplied.
 */
public interface PreparedLoops extends RunLoops {

  /** Returns where prepared inputs lie, in units that {@link #multiplyRuns} knows. */
  Runs preparedRuns(int rows, int columns);

  /** Returns the floats that prepared inputs take, wherever {@link #aligned} says they begin. */
  int preparedFloats(int rows, int columns);

  /** Returns the number of rows that one call of {@link #prepareInputs} should be a multiple of. */
  default int preparedTogether() {
    return 1;
  }

  /**
   * Prepares some rows of inputs.
   *
   * @param x {@code [rows, columns]}; of it, only the rows that are prepared have to be there
   * @param xAt where row 0 begins, or would begin
   * @param inputs what {@link #preparedRuns} says of all rows
   * @param fromRow the first row
   * @param toRow one past the last row
   * @param prepared {@link #preparedFloats} floats, which may hold other bits than f32
   * @param preparedAt where the first of all rows begins
   */
  void prepareInputs(
      float[] x, int xAt, Runs inputs, int fromRow, int toRow, float[] prepared, int preparedAt);
}
