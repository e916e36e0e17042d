package io.github.vlm4j.core.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

final class DTypeTest {

  @Test
  void sizesAreThoseOfTheFileFormats() {
    assertThat(DType.F32.bytes(3)).isEqualTo(12);
    assertThat(DType.F16.bytes(3)).isEqualTo(6);
    assertThat(DType.BF16.bytes(3)).isEqualTo(6);
    assertThat(DType.I8.bytes(3)).isEqualTo(3);
    assertThat(DType.I32.bytes(3)).isEqualTo(12);
    assertThat(DType.I64.bytes(3)).isEqualTo(24);
    assertThat(DType.Q8_0.bytes(64)).isEqualTo(68);
    assertThat(DType.Q4_0.bytes(64)).isEqualTo(36);
    assertThat(DType.Q4_K.bytes(512)).isEqualTo(288);
    assertThat(DType.Q6_K.bytes(512)).isEqualTo(420);
  }

  @Test
  void onlyWholeBlocksHaveASize() {
    assertThatThrownBy(() -> DType.Q8_0.bytes(33))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("33 elements are not a whole number of Q8_0 blocks of 32");
    assertThatThrownBy(() -> DType.F32.bytes(-1)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> DType.I64.bytes(1L << 60)).isInstanceOf(ArithmeticException.class);
  }

  @Test
  void typesAreFloatOrQuantisedOrNeither() {
    assertThat(Arrays.stream(DType.values()).filter(DType::isFloat))
        .containsExactly(DType.F32, DType.F16, DType.BF16);
    assertThat(Arrays.stream(DType.values()).filter(DType::isQuantised))
        .containsExactly(DType.Q8_0, DType.Q4_0, DType.Q4_K, DType.Q6_K);
  }
}
