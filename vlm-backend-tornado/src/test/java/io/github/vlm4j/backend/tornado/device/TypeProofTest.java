package io.github.vlm4j.backend.tornado.device;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.vlm4j.backend.tornado.TornadoBackendProvider;
import io.github.vlm4j.backend.tornado.device.StoredMatrix.Format;
import io.github.vlm4j.core.backend.WarmUpListener;
import io.github.vlm4j.core.quant.BlockCodec;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.core.weights.RandomWeights;
import io.github.vlm4j.core.weights.Weight;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@NeedsSdk
final class TypeProofTest {

  @Test
  void numbersThatTheDeviceReadsOtherwiseAreFound() {
    try (DeviceMemory memory = open()) {
      PowersOfTwo powers = new PowersOfTwo(memory);
      Tensor stored = halves(1, -2.5f, 1e-7f, 60000);
      Region region = memory.take(HeapKind.SHORTS, 4, "Some numbers");
      memory.storeShorts(region.at(), stored.data(), 4);
      int mantissas = PowersOfTwo.mantissas(DType.F16);
      StoredMatrix right =
          new StoredMatrix(Format.HALVES, region.at(), powers.at(DType.F16), mantissas, 0);

      assertThat(TypeProof.misreading(memory, right, stored)).isNull();
      assertThat(TypeProof.misreading(memory, right, halves(1, -2.5f, 1e-7f, 60032)))
          .contains("F16")
          .contains("60032");
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"F16", "BF16", "Q8_0", "Q4_K"})
  void weightsOfATypeThatTheDeviceMisreadsAreKeptAsFloats(DType dtype) {
    try (DeviceMemory memory = open();
        RandomWeights source = new RandomWeights(dtype)) {
      int[] tries = new int[1];
      WeightStore store =
          new WeightStore(
              memory,
              new PowersOfTwo(memory),
              (of, matrix, tensor) -> {
                tries[0]++;
                return "numbers otherwise";
              });

      for (String name : List.of("first", "second")) {
        Weight weight = source.require(name, Shape.of(2, 256));
        StoredMatrix matrix = store.matrix(source, weight);

        assertThat(matrix.format()).isEqualTo(Format.FLOATS);
        float[] numbers = new float[512];
        memory.loadFloats(matrix.at(), MemorySegment.ofArray(numbers), 0, 512);
        assertThat(numbers).containsExactly(BlockCodec.floats(source.tensor(name)));
      }
      assertThat(tries[0]).isEqualTo(1);
    }
  }

  private static DeviceMemory open() {
    assertThat(new TornadoBackendProvider().availability().usable()).isTrue();
    return new DeviceMemory(new DeviceHeaps(Devices.first()), WarmUpListener.NONE);
  }

  private static Tensor halves(float... values) {
    short[] patterns = new short[values.length];
    for (int i = 0; i < values.length; i++) {
      patterns[i] = Float.floatToFloat16(values[i]);
    }
    return Tensor.of(DType.F16, Shape.of(values.length), MemorySegment.ofArray(patterns));
  }
}
