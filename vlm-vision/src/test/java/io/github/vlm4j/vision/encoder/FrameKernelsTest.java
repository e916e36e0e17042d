package io.github.vlm4j.vision.encoder;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.vlm4j.core.ModelException;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.core.weights.Weight;
import io.github.vlm4j.core.weights.WeightScope;
import io.github.vlm4j.core.weights.WeightSource;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Kernels of two frames, one output of one channel and one of 2 × 2 pixels each. */
class FrameKernelsTest {

  private static final PatchLayout PATCH = new PatchLayout(1, 2, 2, 1);
  private static final float[] FIRST = {1, 2, 3, 4, 11, 12, 13, 14};
  private static final float[] SECOND = {5, 6, 7, 8, 15, 16, 17, 18};
  private static final float[] JOINED = {1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 13, 14, 15, 16, 17, 18};

  @ParameterizedTest
  @EnumSource(names = {"F32", "F16", "BF16"})
  void framesOfOneTypeKeepIt(DType type) {
    WeightScope scope = scope(type, type);
    Weight joined = FrameKernels.joined(scope, 2, PATCH);
    assertThat(joined.dtype()).isEqualTo(type);
    assertThat(joined.shape()).isEqualTo(Shape.of(2, 1, 2, 2, 2));
    Tensor tensor = scope.source().tensor(joined.name());
    assertThat(tensor.dtype()).isEqualTo(type);
    assertThat(tensor.toFloats()).containsExactly(JOINED);
  }

  @Test
  void framesOfSeveralTypesBecomeF32() {
    WeightScope scope = scope(DType.BF16, DType.F16);
    Weight joined = FrameKernels.joined(scope, 2, PATCH);
    assertThat(joined.dtype()).isEqualTo(DType.F32);
    assertThat(scope.source().tensor(joined.name()).toFloats()).containsExactly(JOINED);
  }

  @Test
  void quantisedFramesAreRefused() {
    assertThatThrownBy(() -> FrameKernels.joined(scope(DType.F32, DType.Q8_0), 2, PATCH))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("frame.1.weight")
        .hasMessageContaining("must be F32, F16 or BF16");
  }

  private static WeightScope scope(DType first, DType second) {
    Shape shape = Shape.of(2, 1, 2, 2);
    Map<String, DType> types = Map.of("frame.0.weight", first, "frame.1.weight", second);
    return WeightScope.of(
        new WeightSource() {
          @Override
          public boolean contains(String name) {
            return types.containsKey(name);
          }

          @Override
          public Weight require(String name, Shape expected) {
            return Weight.of(name, types.get(name), expected);
          }

          @Override
          public Tensor tensor(String name) {
            return stored(types.get(name), shape, name.startsWith("frame.0") ? FIRST : SECOND);
          }
        });
  }

  private static Tensor stored(DType type, Shape shape, float[] values) {
    MemorySegment memory = MemorySegment.ofArray(new byte[(int) type.bytes(values.length)]);
    for (int i = 0; i < values.length; i++) {
      switch (type) {
        case F32 -> memory.set(Tensor.F32, 4L * i, values[i]);
        case F16 -> memory.set(Tensor.BITS16, 2L * i, Float.floatToFloat16(values[i]));
        default -> memory.set(Tensor.BITS16, 2L * i, Tensor.roundedToBf16(values[i]));
      }
    }
    return Tensor.of(type, shape, memory);
  }
}
