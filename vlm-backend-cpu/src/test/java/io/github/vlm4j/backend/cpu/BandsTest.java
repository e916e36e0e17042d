package io.github.vlm4j.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class BandsTest {

  @Test
  void bandsCoverEveryItemOnceAndBeginAtMultiples() {
    try (Workers workers = new Workers(3)) {
      for (int total : new int[] {0, 1, 5, 7, 96, 1000, 151936, Integer.MAX_VALUE}) {
        for (int multiple : new int[] {1, 6, 8}) {
          for (long least : new long[] {0, 1, 100, Long.MAX_VALUE / 16}) {
            Bands bands = Bands.of(total, least, multiple, workers);
            int next = 0;
            for (int band = 0; band < bands.count(); band++) {
              assertThat(bands.from(band)).isEqualTo(next);
              assertThat(bands.from(band) % multiple).isZero();
              assertThat(bands.to(band)).isGreaterThan(next);
              next = bands.to(band);
            }
            assertThat(next).isEqualTo(total);
            assertThat(bands.count()).isLessThanOrEqualTo(12);
          }
        }
      }
    }
  }

  @Test
  void littleWorkIsNotDivided() {
    try (Workers workers = new Workers(3)) {
      assertThat(Bands.of(1000, 1000, 1, workers).count()).isEqualTo(1);
      assertThat(Bands.of(4000, 1000, 1, workers).count()).isEqualTo(4);
    }
  }

  @Test
  void oneThreadGetsOneBand() {
    try (Workers workers = new Workers(1)) {
      assertThat(Bands.of(100_000, 1, 8, workers).count()).isEqualTo(1);
    }
  }

  @Test
  void farBandsAreAllBandsAndNeighboursAreNotDoneAtATime() {
    for (int threads : new int[] {1, 2, 3, 5}) {
      for (int count : new int[] {1, 2, 3, 7, 12, 96}) {
        Bands bands = new Bands(count, 1);
        boolean[] done = new boolean[count];
        for (int i = 0; i < count; i++) {
          int band = bands.far(i, threads);
          assertThat(done[band]).as("band %d of %d twice", band, count).isFalse();
          done[band] = true;
          if (i > 0 && threads > 1 && count > 2 * threads) {
            assertThat(Math.abs(band - bands.far(i - 1, threads))).isGreaterThan(1);
          }
        }
      }
    }
  }
}
