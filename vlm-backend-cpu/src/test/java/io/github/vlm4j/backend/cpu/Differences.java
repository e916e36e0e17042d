package io.github.vlm4j.backend.cpu;

/** How far results are from others. */
final class Differences {

  private Differences() {}

  /** Returns the root of the mean square of differences, as a fraction of that of what is exact. */
  static double relative(float[] results, float[] exact) {
    double difference = 0;
    double size = 0;
    for (int i = 0; i < exact.length; i++) {
      difference += (double) (results[i] - exact[i]) * (results[i] - exact[i]);
      size += (double) exact[i] * exact[i];
    }
    return Math.sqrt(difference / size);
  }
}
