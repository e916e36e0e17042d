package io.github.vlm4j.backend.cpu.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Runs of loops as a step makes them: inputs are prepared, weights laid out, then both multiplied.
 *
 * @param loops what is run
 * @param before what memory holds beforehand, which shows if it is read before it is written
 */
public record LoopsRun(PreparedLoops loops, float before) {

  private static final float UNTOUCHED = -77.5f;
  private static final int AROUND = 70;

  /** Multiplies all rows with all weights, and checks that nothing around the result changes. */
  public float[] multiply(float[] x, int xAt, int rows, Matrix w, float @Nullable [] bias) {
    int columns = w.columns();
    float[] prepared = filled(loops.preparedFloats(rows, columns));
    Runs inputs = loops.preparedRuns(rows, columns);
    loops.prepareInputs(x, xAt, inputs, 0, rows, prepared, 0);
    float[] scratch = new float[loops.runScratch()];
    float[] packed = filled(loops.packedWeightFloats(w.rows(), columns));
    loops.packWeights(w, bias, 0, w.rows(), packed, 0, scratch);
    float[] y = new float[rows * w.rows() + 2 * AROUND];
    Arrays.fill(y, UNTOUCHED);
    loops.multiplyRuns(
        prepared, 0, inputs, 0, rows, packed, 0, 0, w.rows(), y, AROUND, w.rows(), scratch);
    for (int i = 0; i < AROUND; i++) {
      assertThat(y[i]).isEqualTo(UNTOUCHED);
      assertThat(y[y.length - 1 - i]).isEqualTo(UNTOUCHED);
    }
    return Arrays.copyOfRange(y, AROUND, y.length - AROUND);
  }

  /** Does the same by bands of inputs and outputs, weights from elsewhere in an array. */
  public float[] multiplyInBands(float[] x, int rows, Matrix w, float[] bias) {
    int columns = w.columns();
    int outputs = w.rows();
    float[] prepared = filled(loops.preparedFloats(rows, columns));
    Runs inputs = loops.preparedRuns(rows, columns);
    loops.prepareInputs(x, 0, inputs, 0, 11, prepared, 0);
    loops.prepareInputs(x, 0, inputs, 11, rows, prepared, 0);
    float[] scratch = new float[loops.runScratch()];
    float[] y = new float[rows * outputs];
    int second = Math.ceilDiv(11, loops.runTile()) * loops.runTile();
    for (int from = 0; from < outputs; from += 64) {
      int to = Math.min(outputs, from + 64);
      float[] packed = filled(5 + loops.packedWeightFloats(to - from, columns));
      loops.packWeights(w, bias, from, to, packed, 5, scratch);
      loops.multiplyRuns(
          prepared, 0, inputs, second, rows, packed, 5, from, to, y, 0, outputs, scratch);
      loops.multiplyRuns(
          prepared, 0, inputs, 0, second, packed, 5, from, to, y, 0, outputs, scratch);
    }
    return y;
  }

  private float[] filled(int count) {
    float[] x = new float[count];
    Arrays.fill(x, before);
    return x;
  }
}
