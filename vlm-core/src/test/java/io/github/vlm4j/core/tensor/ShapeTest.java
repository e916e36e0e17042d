package io.github.vlm4j.core.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

final class ShapeTest {

  @Test
  void aShapeKnowsItsExtents() {
    Shape shape = Shape.of(2, 3, 5);
    assertThat(shape.rank()).isEqualTo(3);
    assertThat(shape.elements()).isEqualTo(30);
    assertThat(shape.rows()).isEqualTo(6);
    assertThat(shape.last()).isEqualTo(5);
    assertThat(shape.dim(0)).isEqualTo(2);
    assertThat(shape.dim(-1)).isEqualTo(5);
    assertThat(shape.dim(-3)).isEqualTo(2);
    assertThat(shape).hasToString("[2, 3, 5]");
    assertThat(shape.with(-1, 7)).isEqualTo(Shape.of(2, 3, 7)).isNotEqualTo(shape);
    assertThatThrownBy(() -> shape.dim(3)).isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> shape.dim(-4)).isInstanceOf(IndexOutOfBoundsException.class);
  }

  @Test
  void scalarsHaveOneElementAndEmptyShapesNone() {
    assertThat(Shape.of().elements()).isEqualTo(1);
    assertThat(Shape.of().last()).isEqualTo(1);
    assertThat(Shape.of().rows()).isEqualTo(1);
    assertThat(Shape.of(3, 0, 5).elements()).isZero();
  }

  @Test
  void impossibleShapesAreRefused() {
    assertThatThrownBy(() -> Shape.of(2, -1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("[2, -1]");
    assertThatThrownBy(() -> Shape.of(1L << 32, 1L << 31)).isInstanceOf(ArithmeticException.class);
    assertThatThrownBy(() -> Shape.of(2, 3).with(0, -1))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> Shape.of(2, 1L << 60).with(0, 1 << 10))
        .isInstanceOf(ArithmeticException.class);
  }

  @Test
  void aShapeEndsWithItsLastExtents() {
    Shape shape = Shape.of(2, 3, 5);
    assertThat(shape.endsWith(Shape.of(5))).isTrue();
    assertThat(shape.endsWith(Shape.of(3, 5))).isTrue();
    assertThat(shape.endsWith(shape)).isTrue();
    assertThat(shape.endsWith(Shape.of())).isTrue();
    assertThat(shape.endsWith(Shape.of(3))).isFalse();
    assertThat(shape.endsWith(Shape.of(1, 5))).isFalse();
    assertThat(shape.endsWith(Shape.of(1, 2, 3, 5))).isFalse();
  }

  @Test
  void aShapeDoesNotChangeWithTheArraysItGaveOrTook() {
    long[] dims = {2, 3};
    Shape shape = Shape.of(dims);
    dims[0] = 9;
    shape.toArray()[1] = 9;
    assertThat(shape).isEqualTo(Shape.of(2, 3)).hasSameHashCodeAs(Shape.of(2, 3));
  }
}
