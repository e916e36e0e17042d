package io.github.vlm4j.core.conformance;

/**
 * How far a backend's results may be from the exact ones: {@code |actual − exact| ≤ absolute +
 * relative · scale}, where the scale is the size of the numbers that an element was computed from
 * (see {@link ErrorScale}), as cancellation makes an error large beside a small result through no
 * fault of the backend.
 *
 * <p>The relative part of {@link #F32} is derived from the longest sums: adding k products of
 * random signs one after the other in f32 (unit roundoff u = 2⁻²⁴) leaves an error of standard
 * deviation u·√(k/6) in units of the scale, 8e-7 for k = 1000 and 1.6e-6 for k = 4096. 1e-5 is more
 * than six of these, and still a hundred times finer than what a wrong, missing or bf16-rounded
 * term does. The absolute part lets results that should be 0 be dust, as with a polynomial
 * exponential.
 *
 * @param relative the permitted error in units of the scale
 * @param absolute the permitted error whatever the scale
 */
public record Tolerance(double relative, double absolute) {

  /** For backends that compute in f32. */
  public static final Tolerance F32 = new Tolerance(1e-5, 1e-7);

  /**
   * For backends that hold activations in f16, of 11 significant bits: 2⁻¹¹ for each operand and
   * result, ten times over.
   */
  public static final Tolerance F16 = new Tolerance(5e-3, 1e-4);

  /**
   * For backends that round activations to bf16, of 8 significant bits, and quantised weights too,
   * before they multiply them and add products up in f32: a factor is off by up to 2⁻⁹ of itself,
   * some 1e-3 on average, a product by √2 times that, and independent errors grow as the scale
   * does; eight times that.
   */
  public static final Tolerance BF16 = new Tolerance(1.2e-2, 1e-7);

  /**
   * For backends that round quantised weights, and what they are multiplied with, to bytes: 255
   * steps from minus to plus the greatest of 32 numbers. An error is 1/440 of that on average, 0.6
   * % of numbers whose greatest is 2.5 times their size, for each factor; six times both.
   */
  public static final Tolerance INT8 = new Tolerance(5e-2, 1e-7);

  /**
   * For backends that round weights in bf16 and quantised ones, and what they are multiplied with,
   * to whole numbers of 12 and 13 bits beside the sign: 4095 and 8191 steps from zero to the
   * greatest of 64. An error is 0.29 of a step on average, 2e-4 for both factors of numbers whose
   * greatest is 2.4 times their size; eight times that.
   */
  public static final Tolerance INT16 = new Tolerance(1.6e-3, 1e-7);

  /** Rounding errors are amplified from one operation to the next in whole models. */
  private static final double CHAIN = 10;

  /** Returns what is permitted of the results of many operations after each other. */
  public Tolerance ofChain() {
    return new Tolerance(relative * CHAIN, absolute * CHAIN);
  }

  /** Returns the permitted error. */
  public double at(double scale) {
    return absolute + relative * scale;
  }
}
