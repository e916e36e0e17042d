package io.github.vlm4j.backend.cpu.vector;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** Native access is granted to tests, and an array this large is not moved between two calls. */
class ArrayLinesTest {

  private static final int LINE = 16;

  private final float[] array = new float[1 << 20];

  @Test
  void linesBeginEverySixteenFloats() {
    int first = ArrayLines.next(array, 0);

    assertThat(first).isBetween(0, ArrayLines.MOST_SKIPPED);
    for (int at = 0; at < 100; at++) {
      int next = ArrayLines.next(array, at);
      assertThat(next).isBetween(at, at + ArrayLines.MOST_SKIPPED);
      assertThat((next - first) % LINE).isZero();
    }
  }
}
