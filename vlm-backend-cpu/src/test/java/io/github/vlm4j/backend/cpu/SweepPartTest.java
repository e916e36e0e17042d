package io.github.vlm4j.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SweepPartTest {

  private static final int NO_LIMIT = Integer.MAX_VALUE;

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 64})
  void partsCoverEveryRowOnceInOrderAndBeginAtMultiples(int threads) {
    List<SweepPart.Rows> matrices =
        List.of(
            new SweepPart.Rows(2048, 4096, NO_LIMIT),
            new SweepPart.Rows(0, 4096, NO_LIMIT),
            new SweepPart.Rows(7, 1, NO_LIMIT),
            new SweepPart.Rows(1021, 2176, 64),
            new SweepPart.Rows(Integer.MAX_VALUE, 1 << 20, NO_LIMIT));
    int matrix = 0;
    int next = 0;
    for (SweepPart part : SweepPart.cut(matrices, threads)) {
      while (part.matrix() > matrix) {
        assertThat(next).isEqualTo(matrices.get(matrix++).count());
        next = 0;
      }
      assertThat(part.matrix()).isEqualTo(matrix);
      assertThat(part.from()).isEqualTo(next);
      assertThat(part.from() % SweepPart.MULTIPLE).isZero();
      assertThat(part.to() - part.from()).isBetween(1, matrices.get(matrix).most());
      next = part.to();
    }
    assertThat(matrix).isEqualTo(matrices.size() - 1);
    assertThat(next).isEqualTo(Integer.MAX_VALUE);
  }

  @Test
  void oneThreadTakesAMatrixAtATime() {
    assertThat(
            SweepPart.cut(
                List.of(
                    new SweepPart.Rows(2048, 4096, NO_LIMIT),
                    new SweepPart.Rows(1024, 4096, NO_LIMIT)),
                1))
        .containsExactly(new SweepPart(0, 0, 2048), new SweepPart(1, 0, 1024));
  }

  @Test
  void littleWorkIsNotDivided() {
    int rows = (int) (SweepPart.LEAST_BYTES / 4096);
    assertThat(SweepPart.cut(List.of(new SweepPart.Rows(rows, 4096, NO_LIMIT)), 8)).hasSize(1);
  }

  @Test
  void partsBecomeSmallerTowardsTheEnd() {
    List<SweepPart> parts = SweepPart.cut(List.of(new SweepPart.Rows(6144, 4096, NO_LIMIT)), 2);
    assertThat(parts.getFirst()).isEqualTo(new SweepPart(0, 0, 1536));
    assertThat((parts.getLast().to() - parts.getLast().from()) * 4096L)
        .isLessThanOrEqualTo(SweepPart.LEAST_BYTES);
    assertThat(parts).hasSizeLessThan(24);
  }
}
