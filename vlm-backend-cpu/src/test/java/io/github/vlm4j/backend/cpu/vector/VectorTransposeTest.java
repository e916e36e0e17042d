package io.github.vlm4j.backend.cpu.vector;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class VectorTransposeTest {

  @ParameterizedTest
  @CsvSource({"1, 1", "4, 4", "8, 8", "8, 16", "3, 20", "20, 3", "7, 9", "16, 33", "41, 24"})
  void rowsBecomeColumnsAndNothingElseIsWritten(int rows, int columns) {
    int xStep = columns + 5;
    int yStep = rows + 3;
    float[] x = new Numbers(rows).floats(2 + rows * xStep);
    float[] y = new float[4 + columns * yStep];
    Arrays.fill(y, 77);
    float[] expected = y.clone();
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < columns; j++) {
        expected[4 + j * yStep + i] = x[2 + i * xStep + j];
      }
    }

    VectorTranspose.transpose(x, 2, xStep, rows, columns, y, 4, yStep);

    assertThat(y).isEqualTo(expected);
  }
}
