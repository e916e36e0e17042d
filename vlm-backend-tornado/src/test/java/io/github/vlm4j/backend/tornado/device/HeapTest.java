package io.github.vlm4j.backend.tornado.device;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

final class HeapTest {

  @Test
  void partsNeverOverlapAndAllIsFreeAgainWhenAllAreGivenBack() {
    SplittableRandom random = new SplittableRandom(7);
    Heap heap = new Heap(10_000);
    List<int[]> taken = new ArrayList<>();
    for (int step = 0; step < 5_000; step++) {
      if (random.nextInt(3) > 0) {
        int count = random.nextInt(0, 700);
        int at = heap.take(count);
        if (at >= 0) {
          assertThat(at + count).isLessThanOrEqualTo(heap.capacity());
          for (int[] other : taken) {
            assertThat(at + count <= other[0] || other[0] + other[1] <= at).isTrue();
          }
          taken.add(new int[] {at, count});
        }
      } else if (!taken.isEmpty()) {
        int[] part = taken.remove(random.nextInt(taken.size()));
        heap.release(part[0], part[1]);
      }
      if (step == 2_500) {
        heap.grow(12_000);
      }
    }
    assertThat(taken).isNotEmpty();
    taken.forEach(part -> heap.release(part[0], part[1]));
    assertThat(heap.take(11_968)).isZero();
  }

  @Test
  void whatDoesNotFitIsNotGiven() {
    Heap heap = new Heap(64);
    assertThat(heap.take(65)).isNegative();
    assertThat(heap.take(40)).isZero();
    assertThat(heap.take(1)).isNegative();
    heap.grow(96);
    assertThat(heap.take(1)).isEqualTo(64);
  }
}
