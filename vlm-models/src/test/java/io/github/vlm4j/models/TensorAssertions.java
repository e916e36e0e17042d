package io.github.vlm4j.models;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.vlm4j.core.tensor.Tensor;

/** How tests hold tensors to those that a reference implementation computed. */
public final class TensorAssertions {

  private TensorAssertions() {}

  /**
   * Requires every element within a distance of the reference's; shapes may differ.
   *
   * @param what the tensor's name, for messages
   */
  public static void assertClose(String what, Tensor actual, Tensor reference, double tolerance) {
    assertThat(actual.shape().elements())
        .as("elements of %s", what)
        .isEqualTo(reference.shape().elements());
    double worst = 0;
    for (long i = 0; i < reference.shape().elements(); i++) {
      double distance = Math.abs((double) actual.getFloat(i) - reference.getFloat(i));
      // A NaN must not pass for small.
      worst = distance <= worst ? worst : distance;
    }
    assertThat(worst)
        .as("largest distance of %s from the reference", what)
        .isLessThanOrEqualTo(tolerance);
  }
}
