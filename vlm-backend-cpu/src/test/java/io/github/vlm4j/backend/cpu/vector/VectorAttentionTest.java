package io.github.vlm4j.backend.cpu.vector;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.vlm4j.backend.cpu.kernel.AttentionTask;
import io.github.vlm4j.backend.cpu.kernel.AttentionTasks;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class VectorAttentionTest {

  private static final VectorKernels KERNELS = new VectorKernels();

  @ParameterizedTest
  @CsvSource({
    // queries, keys, headDim, valueDim, causal, visible
    "1, 1, 1, 1, false, 0",
    "1, 130, 33, 17, false, 0",
    "2, 200, 16, 64, false, 0",
    "2, 9, 8, 8, true, 3",
    "3, 65, 40, 24, true, 60",
    "17, 17, 64, 64, true, 0",
    "64, 64, 16, 18, true, 0",
    "33, 300, 64, 64, false, 0",
    "70, 127, 5, 7, false, 0",
    "70, 300, 32, 80, true, 230",
    "130, 130, 24, 12, true, 0",
    "20, 5, 8, 6, false, 0",
    "20, 20, 8, 6, true, -5",
    "3, 3, 8, 6, true, -2",
    "40, 25, 8, 6, true, 0"
  })
  void resultEqualsTheOracle(
      int queries, int keys, int headDim, int valueDim, boolean causal, int visible) {
    AttentionTask task = task(queries, keys, headDim, valueDim, 1);
    task.causal = causal;
    task.visible = visible;

    attend(task, 0, queries);

    checkAgainstOracle(task, queries);
  }

  @ParameterizedTest
  @CsvSource({
    // queries, keys, window, visible
    "1, 200, 1, 199",
    "2, 200, 64, 150",
    "3, 130, 65, 126",
    "17, 17, 5, 0",
    "40, 300, 100, 255",
    "130, 400, 20, 270",
    "130, 130, 128, 0",
    "200, 600, 257, 400",
    "70, 100, 1000, 30"
  })
  void inAWindowNoKeyBeforeItIsRead(int queries, int keys, int window, int visible) {
    AttentionTask task = task(queries, keys, 24, 20, 1);
    task.causal = true;
    task.visible = visible;
    task.window = window;
    int unseen = task.first(0);
    AttentionTask cut = task(queries, keys, 24, 20, 1);
    cut.causal = true;
    cut.visible = visible;
    cut.window = window;
    // What no query sees is not there: reading it fails.
    cut.k = Arrays.copyOfRange(task.k, task.kAt + unseen * task.kStride, task.k.length);
    cut.kAt = -unseen * task.kStride;
    cut.v = Arrays.copyOfRange(task.v, task.vAt + unseen * task.vStride, task.v.length);
    cut.vAt = -unseen * task.vStride;

    attend(cut, 0, queries);

    task.out = cut.out;
    checkAgainstOracle(task, queries);
  }

  @Test
  void largeScoresDoNotOverflow() {
    AttentionTask task = task(40, 400, 16, 16, 1);
    task.scale = 300;
    attend(task, 0, 40);
    checkAgainstOracle(task, 40);

    AttentionTask few = task(2, 400, 16, 16, 1);
    few.scale = 300;
    attend(few, 0, 2);
    checkAgainstOracle(few, 2);
  }

  @Test
  void splittingTheQueriesChangesNothingBeyondRounding() {
    AttentionTask task = task(100, 100, 32, 32, 1);
    task.causal = true;
    task.visible = 0;
    attend(task, 0, 100);
    float[] whole = task.out.clone();

    Arrays.fill(task.out, 0);
    attend(task, 0, 37);
    attend(task, 37, 38);
    attend(task, 38, 100);

    for (int i = 0; i < whole.length; i++) {
      assertThat(task.out[i]).isCloseTo(whole[i], within(2e-6f));
    }
  }

  @Test
  void leavesWhatLiesBetweenTheResultsAlone() {
    AttentionTask task = task(20, 20, 8, 8, 3);
    Arrays.fill(task.out, 55);

    attend(task, 5, 20);

    for (int i = 0; i < task.out.length; i++) {
      int query = Math.floorDiv(i - task.outAt, task.outStride);
      boolean result =
          query >= 5 && query < 20 && Math.floorMod(i - task.outAt, task.outStride) < task.valueDim;
      assertThat(task.out[i] != 55).as("index %d", i).isEqualTo(result);
    }
  }

  @Test
  void noKeysGiveZeros() {
    for (int queries : new int[] {1, 30}) {
      AttentionTask task = task(queries, 0, 8, 8, 1);
      Arrays.fill(task.out, 55);

      attend(task, 0, queries);

      for (int i = 0; i < queries * task.outStride; i++) {
        if (i % task.outStride < 8) {
          assertThat(task.out[task.outAt + i]).isZero();
        }
      }
    }
  }

  private static void attend(AttentionTask task, int first, int last) {
    float[] scratch = new float[KERNELS.attendScratch(task.headDim, task.valueDim)];
    Arrays.fill(scratch, Float.NaN);
    KERNELS.attend(task, first, last, scratch);
  }

  private static AttentionTask task(int queries, int keys, int headDim, int valueDim, int gap) {
    return AttentionTasks.of(
        new Numbers(queries + 7L * keys)::floats, queries, keys, headDim, valueDim, gap);
  }

  private static void checkAgainstOracle(AttentionTask task, int queries) {
    for (int i = 0; i < queries; i++) {
      int seen = task.causal ? Math.clamp(task.visible + i + 1, 0, task.keys) : task.keys;
      double[] weights = new double[seen];
      int first = task.window == 0 ? 0 : Math.max(0, task.visible + i + 1 - task.window);
      Arrays.fill(weights, 0, first, Double.NEGATIVE_INFINITY);
      for (int j = first; j < seen; j++) {
        for (int d = 0; d < task.headDim; d++) {
          weights[j] +=
              (double) task.q[task.qAt + i * task.qStride + d]
                  * task.k[task.kAt + j * task.kStride + d]
                  * task.scale;
        }
      }
      double max = Arrays.stream(weights).max().orElse(0);
      double sum = Arrays.stream(weights).map(s -> Math.exp(s - max)).sum();
      for (int d = 0; d < task.valueDim; d++) {
        double expected = 0;
        for (int j = 0; j < seen; j++) {
          expected += Math.exp(weights[j] - max) / sum * task.v[task.vAt + j * task.vStride + d];
        }
        // f32 scores of size s are wrong by s·1e-7, and so are their exponentials.
        assertThat((double) task.out[task.outAt + i * task.outStride + d])
            .as("query %d dimension %d", i, d)
            .isCloseTo(expected, within(2e-6 * (1 + Math.abs(max))));
      }
    }
  }
}
