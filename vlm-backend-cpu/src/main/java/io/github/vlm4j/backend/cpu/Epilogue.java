package io.github.vlm4j.backend.cpu;

import io.github.vlm4j.backend.cpu.kernel.Kernels;
import io.github.vlm4j.core.graph.Activation;

/**
 * What is done to each element of a product while it is still in a cache, instead of reading and
 * writing all of them once more.
 */
sealed interface Epilogue {

  /**
   * Changes n neighbouring elements.
   *
   * @param y the product
   * @param at how far behind the product's first element they begin
   */
  void apply(Kernels kernels, Span y, int at, int n);

  /** A non-linearity. */
  record Activate(Activation activation) implements Epilogue {
    @Override
    public void apply(Kernels kernels, Span y, int at, int n) {
      kernels.activate(activation, y.floats(), y.at() + at, y.floats(), y.at() + at, n);
    }
  }

  /** The addition of a value of the same extents, such as a shortcut. */
  record Add(Span other) implements Epilogue {
    @Override
    public void apply(Kernels kernels, Span y, int at, int n) {
      kernels.add(
          y.floats(), y.at() + at, other.floats(), other.at() + at, y.floats(), y.at() + at, n);
    }
  }
}
