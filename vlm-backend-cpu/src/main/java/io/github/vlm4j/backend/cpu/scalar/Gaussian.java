package io.github.vlm4j.backend.cpu.scalar;

/** The normal distribution function, which the JDK lacks and exact GELU needs. */
final class Gaussian {

  /** Beyond this many standard deviations the distribution function is 0 or 1 in double. */
  private static final double CERTAIN = 8.5;

  private static final double DENSITY_AT_ZERO = 1 / Math.sqrt(2 * Math.PI);

  private Gaussian() {}

  /** Returns {@code x·Φ(x)}. */
  static double gelu(double x) {
    return Double.isNaN(x) ? x : x == 0 ? 0 : x * distribution(x);
  }

  /**
   * Returns Φ(x) as 1/2 + φ(x)·(x + x³/3 + x⁵/(3·5) + ..) (Abramowitz and Stegun, 26.2.11); all
   * terms have one sign, so that nothing cancels.
   */
  private static double distribution(double x) {
    if (x > CERTAIN) {
      return 1;
    }
    if (x < -CERTAIN) {
      return 0;
    }
    double term = x;
    double sum = x;
    for (int n = 3; Math.abs(term) > Math.ulp(sum) / 4; n += 2) {
      term *= x * x / n;
      sum += term;
    }
    return 0.5 + DENSITY_AT_ZERO * Math.exp(-0.5 * x * x) * sum;
  }
}
