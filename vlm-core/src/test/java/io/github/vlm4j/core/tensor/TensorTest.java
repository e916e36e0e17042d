package io.github.vlm4j.core.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;

final class TensorTest {

  @Test
  void theSegmentMustHaveExactlyTheElementsBytes() {
    MemorySegment bytes = MemorySegment.ofArray(new byte[12]);
    assertThat(Tensor.of(DType.BF16, Shape.of(2, 3), bytes)).hasToString("BF16[2, 3]");
    assertThatThrownBy(() -> Tensor.of(DType.F32, Shape.of(2, 3), bytes))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("A F32 tensor of [2, 3] takes 24 bytes, not 12");
    assertThatThrownBy(() -> Tensor.of(DType.I8, Shape.of(2, 3), bytes))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void rowsOfQuantisedTensorsAreWholeBlocks() {
    assertThat(Tensor.byteSize(DType.Q8_0, Shape.of(3, 64))).isEqualTo(3 * 2 * 34);
    assertThat(Tensor.byteSize(DType.Q4_K, Shape.of(2, 256))).isEqualTo(2 * 144);
    assertThatThrownBy(() -> Tensor.byteSize(DType.Q8_0, Shape.of(64, 3)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("[64, 3]")
        .hasMessageContaining("32");
  }

  @Test
  void sizesThatOverflowAreRefused() {
    assertThatThrownBy(() -> Tensor.byteSize(DType.F32, Shape.of(1L << 61, 2)))
        .isInstanceOf(ArithmeticException.class);
  }

  @Test
  void viewsShareTheMemory() {
    float[] values = {1, 2, 3, 4, 5, 6};
    Tensor tensor = Tensor.ofFloats(values, 3, 2);
    tensor.rows(1, 3).setFloat(0, 30);
    tensor.reshape(2, 3).setFloat(5, 60);
    assertThat(values).containsExactly(1, 2, 30, 4, 5, 60);
    assertThat(tensor.rows(1, 3).shape()).isEqualTo(Shape.of(2, 2));
    assertThat(tensor.rows(3, 3).toFloats()).isEmpty();
  }

  @Test
  void rangesAndShapesThatDoNotFitAreRefused() {
    Tensor tensor = Tensor.ofFloats(new float[6], 3, 2);
    assertThatThrownBy(() -> tensor.rows(1, 4))
        .isInstanceOf(IndexOutOfBoundsException.class)
        .hasMessage("Rows 1 to 4 of [3, 2]");
    assertThatThrownBy(() -> tensor.rows(-1, 1)).isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> tensor.rows(2, 1)).isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> tensor.reshape(7))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("[3, 2] cannot be viewed as [7]");
    assertThatThrownBy(() -> tensor.getFloat(6)).isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> tensor.setFloat(-1, 0)).isInstanceOf(IndexOutOfBoundsException.class);
  }

  @Test
  void elementsAreReadAndWrittenAsTheirOwnTypeOnly() {
    Tensor floats = Tensor.ofFloats(new float[2], 2);
    Tensor ints = Tensor.ofInts(new int[] {7, -8}, 2);
    assertThat(ints.getInt(1)).isEqualTo(-8);
    assertThat(ints.toInts()).containsExactly(7, -8);
    assertThatThrownBy(() -> floats.getInt(0)).isInstanceOf(UnsupportedOperationException.class);
    assertThatThrownBy(floats::toInts).isInstanceOf(UnsupportedOperationException.class);
    assertThatThrownBy(() -> ints.getFloat(0)).isInstanceOf(UnsupportedOperationException.class);
    assertThatThrownBy(() -> ints.setFloat(0, 1)).isInstanceOf(UnsupportedOperationException.class);
    assertThatThrownBy(() -> floats.setInt(0, 1)).isInstanceOf(UnsupportedOperationException.class);
  }

  @Test
  void valuesAreRoundedToTheNearestBf16AndTiesToEven() {
    float up = 1 + 1 / 128f;
    float[] values = {
      1, 1 + 1 / 256f, 1 + 1.01f / 256, -1 - 3 / 256f, 1 + 0.99f / 256, Float.MAX_VALUE, Float.NaN
    };

    Tensor rounded = Tensor.roundedToBf16(values, 1, 7);

    assertThat(rounded).hasToString("BF16[1, 7]");
    assertThat(rounded.toFloats())
        .containsExactly(1, 1, up, -1 - 2 / 128f, 1, Float.POSITIVE_INFINITY, Float.NaN);
    float hidden = Float.intBitsToFloat(0x7f800001);
    assertThat(Tensor.roundedToBf16(new float[] {hidden}, 1).getFloat(0)).isNaN();
  }

  @Test
  void halvesAreReadAtAnyAddress() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment odd = arena.allocate(7, 8).asSlice(1);
      odd.set(Tensor.BITS16, 0, (short) 0x3c00);
      odd.set(Tensor.BITS16, 2, (short) 0xc100);
      odd.set(Tensor.BITS16, 4, (short) 0x0001);
      assertThat(Tensor.of(DType.F16, Shape.of(3), odd).toFloats())
          .containsExactly(1f, -2.5f, 0x1p-24f);
      assertThat(Tensor.of(DType.BF16, Shape.of(3), odd).toFloats())
          .containsExactly(0.0078125f, -8f, Float.intBitsToFloat(0x10000));
    }
  }

  @Test
  void bytesAreLittleEndian() {
    byte[] bytes = {0, 0, (byte) 0x80, 0x3f};
    assertThat(Tensor.of(DType.F32, Shape.of(), MemorySegment.ofArray(bytes)).getFloat(0))
        .isEqualTo(1);
    assertThat(Tensor.of(DType.I32, Shape.of(1), MemorySegment.ofArray(bytes)).getInt(0))
        .isEqualTo(0x3f800000);
  }

  @Test
  void copyingNeedsTheSameTypeAndNumber() {
    try (Arena arena = Arena.ofConfined()) {
      Tensor target = Tensor.allocate(DType.F32, Shape.of(2, 2), arena);
      assertThat(target.data().address() % 64).isZero();
      assertThat(target.toFloats()).containsOnly(0);
      target.copyFrom(Tensor.ofFloats(new float[] {1, 2, 3, 4}, 4));
      assertThat(target.toFloats()).containsExactly(1, 2, 3, 4);
      assertThatThrownBy(() -> target.copyFrom(Tensor.ofFloats(new float[3], 3)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("Cannot copy F32[3] into F32[2, 2]");
      assertThatThrownBy(() -> target.copyFrom(Tensor.ofInts(new int[4], 2, 2)))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }
}
