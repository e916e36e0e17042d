package io.github.vlm4j.text.decoder;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.vlm4j.core.model.TokenPositions;
import io.github.vlm4j.core.tensor.Tensor;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class QwenRotaryTest {

  private static final int HEAD_DIM = 8;
  private static final Offset<Double> TOLERANCE = Offset.offset(1e-6);

  /** The second frequency is {@code 1 / base^(2/8)}: the angle of position 1 tells the base. */
  private static double base(QwenRotary rotary, int promptLength) {
    Tensor cos = Tensor.ofFloats(new float[4], 1, 4);
    Tensor sin = Tensor.ofFloats(new float[4], 1, 4);
    rotary.fill(TokenPositions.sequential(promptLength), 1, 1, cos, sin);
    double angle = Math.atan2(sin.getFloat(1), cos.getFloat(1));
    return Math.pow(1 / angle, HEAD_DIM / 2.0);
  }

  @ParameterizedTest
  @CsvSource({"1, 1", "32, 1", "33, 3", "64, 3", "65, 7", "128, 7", "129, 15", "4097, 511"})
  void theBaseGrowsWithThePowerOfTwoThatThePromptNeeds(int promptLength, double alpha) {
    double expected = 10_000 * Math.pow(alpha, 8 / 6.0);
    assertThat(base(new QwenRotary(HEAD_DIM, 10_000, 32, true, false), promptLength))
        .isCloseTo(expected, Offset.offset(1e-4 * expected));
    assertThat(base(new QwenRotary(HEAD_DIM, 10_000, 32, false, false), promptLength))
        .isCloseTo(10_000, Offset.offset(1.0));
  }

  @Test
  void anAnswerKeepsTheBaseOfItsPrompt() {
    QwenRotary rotary = new QwenRotary(HEAD_DIM, 10_000, 32, true, false);
    Tensor cos = Tensor.ofFloats(new float[4], 1, 4);
    Tensor sin = Tensor.ofFloats(new float[4], 1, 4);
    rotary.fill(TokenPositions.sequential(30), 40, 1, cos, sin);
    assertThat((double) cos.getFloat(1)).isCloseTo(Math.cos(40 / 10.0), TOLERANCE);
  }

  @Test
  void queriesGrowWithTheLogarithmBeyondTheTrainedLengthOnly() {
    QwenRotary rotary = new QwenRotary(HEAD_DIM, 10_000, 32, false, true);
    assertThat(rotary.scalesQueries()).isTrue();
    int count = 40;
    Tensor cos = Tensor.ofFloats(new float[count * 4], count, 4);
    Tensor sin = Tensor.ofFloats(new float[count * 4], count, 4);
    Tensor queryCos = Tensor.ofFloats(new float[count * 4], count, 4);
    Tensor querySin = Tensor.ofFloats(new float[count * 4], count, 4);
    TokenPositions positions = TokenPositions.sequential(5);
    rotary.fill(positions, 0, count, cos, sin);
    rotary.fillQueries(positions, 0, count, queryCos, querySin);
    for (int token = 0; token < count; token++) {
      double scale = token + 1 > 32 ? Math.log(token + 1) / Math.log(32) : 1;
      for (int j = 0; j < 4; j++) {
        int at = token * 4 + j;
        assertThat(Math.hypot(cos.getFloat(at), sin.getFloat(at))).isCloseTo(1, TOLERANCE);
        assertThat((double) queryCos.getFloat(at)).isCloseTo(scale * cos.getFloat(at), TOLERANCE);
        assertThat((double) querySin.getFloat(at)).isCloseTo(scale * sin.getFloat(at), TOLERANCE);
      }
    }
    assertThat(new QwenRotary(HEAD_DIM, 10_000, 32, true, false).scalesQueries()).isFalse();
  }
}
