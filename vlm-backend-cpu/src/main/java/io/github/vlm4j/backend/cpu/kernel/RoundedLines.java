package io.github.vlm4j.backend.cpu.kernel;

/**
 * Rounds lines of pictures for convolutions whose products read them where they lie, as {@link
 * RoundedLoops#multiplyRuns} does with rows that overlap.
 */
public interface RoundedLines {

  /** Returns the number that the channels of a pixel have to be a multiple of. */
  int channelTile();

  /** Returns the floats that some rounded numbers take. */
  int floats(int numbers);

  /**
   * Rounds numbers that lie side by side.
   *
   * @param count a multiple of {@link #channelTile}
   * @param roundedAt where the first goes, in floats
   */
  void round(float[] x, int xAt, int count, float[] rounded, int roundedAt);
}
