package io.github.vlm4j.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class ExpertRowsTest {

  @Test
  void listsTheRowsOfEachExpertInOrder() {
    float[] gates = {0, 2, 0, 3, 0, 0, 0, 4, -5};
    ExpertRows rows = new ExpertRows(span(gates), 3, 3, 10, 7, 2, 100);

    assertThat(rows.find(0)).isEqualTo(3);

    assertThat(rows.active()).isEqualTo(3);
    assertThat(rows.expert(1)).isEqualTo(1);
    assertThat(rows.first(1)).isEqualTo(2);
    assertThat(rows.count(1)).isEqualTo(2);
    assertThat(rows.row(3)).isEqualTo(2);
    assertThat(rows.share(3)).isEqualTo(4);
    assertThat(rows.expert(2)).isEqualTo(2);
    assertThat(rows.share(rows.first(2))).isEqualTo(-5);
    // The only row of the first expert is repeated up to the next tile.
    assertThat(Arrays.copyOf(rows.inputs().starts(), 5)).containsExactly(10, 10, 0, 20, 20);
    assertThat(Arrays.copyOf(rows.gated().starts(), 3)).containsExactly(0, 7, 14);
  }

  @Test
  void groupsThatFitTheMemoryCoverEveryUseOnce() {
    int n = 23;
    int experts = 9;
    SplittableRandom random = new SplittableRandom(3);
    float[] gates = new float[n * experts];
    for (int i = 0; i < gates.length; i++) {
      gates[i] = i % experts != 4 && random.nextInt(3) == 0 ? i + 1 : 0;
    }
    for (int most : new int[] {0, 30, 60, 10_000}) {
      ExpertRows rows = new ExpertRows(span(gates), n, experts, 5, 2, 6, most);
      List<Float> seen = new ArrayList<>();
      int groups = 0;
      for (int next = 0; next < experts; groups++) {
        int from = next;
        next = rows.find(from);
        assertThat(next).isGreaterThan(from);
        for (int i = 0; i < rows.active(); i++) {
          assertThat(rows.first(i) % 6).isZero();
          assertThat(rows.expert(i)).isBetween(from, next - 1).isNotEqualTo(4);
          for (int at = rows.first(i); at < rows.first(i) + rows.count(i); at++) {
            assertThat(rows.share(at)).isEqualTo(rows.row(at) * experts + rows.expert(i) + 1);
            seen.add(rows.share(at));
          }
          assertThat(rows.first(i) + rows.count(i)).isLessThanOrEqualTo(rows.capacity());
        }
      }
      assertThat(seen).doesNotHaveDuplicates();
      assertThat(seen.stream().mapToDouble(Float::doubleValue).sum()).isEqualTo(sum(gates));
      assertThat(groups == 1).isEqualTo(most == 10_000);
    }
  }

  private static double sum(float[] values) {
    double sum = 0;
    for (float value : values) {
      sum += value;
    }
    return sum;
  }

  private static Span span(float[] values) {
    return new Span(new Memory(values), 0, values.length);
  }
}
