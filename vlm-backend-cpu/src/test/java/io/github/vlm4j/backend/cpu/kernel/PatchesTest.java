package io.github.vlm4j.backend.cpu.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PatchesTest {

  /** A picture of 2×3 pixels of two channels under a kernel of 2×2 with zeros around it. */
  private static final Patches PATCHES = new Patches(2, 3, 2, 2, 2, 1, 1, 3, 4);

  private static float[] pictures() {
    float[] x = new float[1 + 2 * 12];
    IntStream.range(0, 24).forEach(i -> x[1 + i] = i + 1);
    return x;
  }

  private static float[] row(int row) {
    float[] y = new float[PATCHES.size()];
    PATCHES.copy(pictures(), 1, row, 0, y.length, y, 0);
    return y;
  }

  @Test
  void aRowIsWhatTheKernelSees() {
    assertThat(row(0)).containsExactly(0, 0, 0, 0, 0, 0, 1, 2);
    assertThat(row(5)).containsExactly(1, 2, 3, 4, 7, 8, 9, 10);
    assertThat(row(11)).containsExactly(11, 12, 0, 0, 0, 0, 0, 0);
    assertThat(row(12 + 5)).containsExactly(13, 14, 15, 16, 19, 20, 21, 22);
  }

  @Test
  void anyPartOfARowCanBeCopied() {
    for (int row = 0; row < 24; row++) {
      for (int from = 0; from < 8; from++) {
        for (int to = from; to <= 8; to++) {
          float[] y = new float[12];
          Arrays.fill(y, 77);
          float[] expected = y.clone();
          System.arraycopy(row(row), from, expected, 2, to - from);
          PATCHES.copy(pictures(), 1, row, from, to, y, 2);
          assertThat(y).as("row %d, %d to %d", row, from, to).containsExactly(expected);
        }
      }
    }
  }

  @Test
  void runsInPaddedPicturesAreTheSameRows() {
    float[] padded = new float[2 * 4 * 5 * 2];
    for (int i = 0; i < 2 * 2 * 3; i++) {
      int at = ((i / 6 * 4 + i / 3 % 2 + 1) * 5 + i % 3 + 1) * 2;
      System.arraycopy(pictures(), 1 + 2 * i, padded, at, 2);
    }
    Runs runs = PATCHES.inPaddedPictures(2, 5);

    assertThat(runs.rows()).isEqualTo(24);
    assertThat(runs.size()).isEqualTo(8);
    assertThat(runs.starts()).hasSize(25);
    assertThat(runs.starts()[24]).isEqualTo(runs.starts()[23]);
    for (int row = 0; row < 24; row++) {
      float[] y = new float[8];
      for (int run = 0; run < runs.runs(); run++) {
        int from = runs.starts()[row] + run * runs.apart();
        System.arraycopy(padded, from, y, run * runs.length(), runs.length());
      }
      assertThat(y).as("row %d", row).containsExactly(row(row));
    }
  }
}
