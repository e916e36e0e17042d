package io.github.vlm4j.text.decoder;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.vlm4j.core.model.TokenPositions;
import io.github.vlm4j.core.tensor.Tensor;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

class MultimodalRotaryTest {

  /** One token at time 3, height 5 and width 7; frequencies are all 1. */
  private static double[] positions(MultimodalRotary rotary) {
    int angles = rotary.angles();
    Tensor cos = Tensor.ofFloats(new float[angles], 1, angles);
    Tensor sin = Tensor.ofFloats(new float[angles], 1, angles);
    var token = new TokenPositions(new int[] {3}, new int[] {5}, new int[] {7}, 8);
    rotary.fill(token, 0, 1, cos, sin);
    double[] positions = new double[angles];
    for (int i = 0; i < angles; i++) {
      double angle = Math.atan2(sin.getFloat(i), cos.getFloat(i));
      positions[i] = angle < 0 ? angle + 2 * Math.PI : angle;
    }
    return positions;
  }

  @Test
  void sectionsStandOneBehindTheOther() {
    double[] positions = positions(MultimodalRotary.sectioned(12, 1, new int[] {1, 3, 2}));
    assertThat(positions).containsExactly(expected(3, 5, 5, 5, 7, 7), Offset.offset(1e-5));
  }

  @Test
  void interleavedAxesTakeTurns() {
    double[] positions = positions(MultimodalRotary.interleaved(12, 1, new int[] {3, 2, 1}));
    assertThat(positions).containsExactly(expected(3, 5, 7, 3, 5, 3), Offset.offset(1e-5));
  }

  @Test
  void sectionsThatDoNotMakeAHalfOfAHeadAreRefused() {
    assertThatThrownBy(() -> MultimodalRotary.sectioned(12, 1, new int[] {1, 3, 3}))
        .isInstanceOf(IllegalArgumentException.class);
  }

  private static double[] expected(double... positions) {
    double[] wrapped = positions.clone();
    for (int i = 0; i < wrapped.length; i++) {
      wrapped[i] %= 2 * Math.PI;
    }
    return wrapped;
  }
}
