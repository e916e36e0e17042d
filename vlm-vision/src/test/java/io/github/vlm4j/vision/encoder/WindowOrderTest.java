package io.github.vlm4j.vision.encoder;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.vlm4j.core.model.PatchGrid;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class WindowOrderTest {

  @Test
  void windowsAreCutAtTheRightAndAtTheBottom() {
    // 3 × 5 single-patch blocks under windows of 2 × 2.
    WindowOrder order = WindowOrder.of(new PatchGrid(1, 3, 5), 1, 2);
    assertThat(order.patches()).containsExactly(0, 1, 5, 6, 2, 3, 7, 8, 4, 9, 10, 11, 12, 13, 14);
    assertThat(order.segments(false)).containsExactly(4, 4, 2, 2, 2, 1);
    assertThat(order.segments(true)).containsExactly(15);
  }

  @Test
  void patchesOfABlockStayTogether() {
    // 2 × 3 blocks of 2 × 2 patches under windows of 2 × 2 blocks.
    WindowOrder order = WindowOrder.of(new PatchGrid(1, 4, 6), 2, 2);
    assertThat(order.patches())
        .startsWith(0, 1, 2, 3, 4, 5, 6, 7, 12, 13, 14, 15, 16, 17, 18, 19, 8, 9, 10, 11)
        .endsWith(20, 21, 22, 23);
    assertThat(order.segments(false)).containsExactly(16, 8);
  }

  @Test
  void framesHaveWindowsOfTheirOwn() {
    WindowOrder order = WindowOrder.of(new PatchGrid(2, 2, 3), 1, 2);
    assertThat(order.patches()).containsExactly(0, 1, 3, 4, 2, 5, 6, 7, 9, 10, 8, 11);
    assertThat(order.segments(false)).containsExactly(4, 2, 4, 2);
    assertThat(order.segments(true)).containsExactly(6, 6);
  }

  @Test
  void windowsThatFitLeaveNoEmptyOnes() {
    assertThat(WindowOrder.of(new PatchGrid(1, 4, 4), 1, 2).segments(false))
        .containsExactly(4, 4, 4, 4);
  }

  @ParameterizedTest
  @CsvSource({"1, 6, 6, 2, 100", "3, 4, 2, 2, 1", "1, 10, 14, 2, 3", "2, 6, 4, 1, 4"})
  void everyPatchComesOnce(int frames, int height, int width, int merge, int side) {
    PatchGrid grid = new PatchGrid(frames, height, width);
    WindowOrder order = WindowOrder.of(grid, merge, side);
    assertThat(order.patches())
        .containsExactlyInAnyOrder(IntStream.range(0, grid.patches()).toArray());
    assertThat(order.segments(false).stream().mapToInt(Integer::intValue).sum())
        .isEqualTo(grid.patches());
  }

  @Test
  void withoutWindowsRowsSeeTheirFrame() {
    WindowOrder order = WindowOrder.none(new PatchGrid(2, 2, 2));
    assertThat(order.patches()).containsExactly(0, 1, 2, 3, 4, 5, 6, 7);
    assertThat(order.segments(false)).containsExactly(4, 4);
  }
}
