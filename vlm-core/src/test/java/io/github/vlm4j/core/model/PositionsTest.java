package io.github.vlm4j.core.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

final class PositionsTest {

  @Test
  void positionsGoOnByOneAfterTheGivenTokens() {
    TokenPositions positions =
        new TokenPositions(new int[] {0, 1, 1}, new int[] {0, 1, 2}, new int[] {0, 1, 3}, 4);
    assertThat(positions.time(2)).isEqualTo(1);
    assertThat(positions.height(2)).isEqualTo(2);
    assertThat(positions.width(2)).isEqualTo(3);
    for (int token = 3; token < 10; token++) {
      assertThat(positions.time(token)).isEqualTo(token + 1);
      assertThat(positions.height(token)).isEqualTo(token + 1);
      assertThat(positions.width(token)).isEqualTo(token + 1);
    }
  }

  @Test
  void textCountsFromZero() {
    assertThat(TokenPositions.sequential().time(0)).isZero();
    assertThat(TokenPositions.sequential().width(41)).isEqualTo(41);
  }

  @Test
  void positionsDoNotChangeWithTheArraysTheyTook() {
    int[] axis = {5};
    TokenPositions positions = new TokenPositions(axis, axis, axis, 6);
    axis[0] = 9;
    assertThat(positions.time(0)).isEqualTo(5);
  }

  @Test
  void theAxesHaveOneNumberOfTokens() {
    assertThatThrownBy(() -> new TokenPositions(new int[2], new int[2], new int[1], 2))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new TokenPositions(new int[2], new int[3], new int[2], 2))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void aGridCountsItsPatches() {
    assertThat(new PatchGrid(2, 3, 5).patches()).isEqualTo(30);
    assertThatThrownBy(() -> new PatchGrid(1, 0, 5))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("1×0×5");
    assertThatThrownBy(() -> new PatchGrid(0, 1, 1)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new PatchGrid(1, 1, -1)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new PatchGrid(1, 1 << 16, 1 << 16))
        .isInstanceOf(ArithmeticException.class);
  }
}
