package io.github.vlm4j.backend.tornado.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.vlm4j.backend.tornado.TornadoBackendProvider;
import io.github.vlm4j.backend.tornado.device.StoredMatrix.Format;
import io.github.vlm4j.core.BackendException;
import io.github.vlm4j.core.backend.WarmUpListener;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;

@NeedsSdk
final class TypeProofTest {

  @Test
  void numbersThatTheDeviceReadsOtherwiseAreRefused() {
    assertThat(new TornadoBackendProvider().availability().usable()).isTrue();
    try (DeviceMemory memory =
        new DeviceMemory(new DeviceHeaps(Devices.first()), WarmUpListener.NONE)) {
      PowersOfTwo powers = new PowersOfTwo(memory);
      Tensor stored = halves(1, -2.5f, 1e-7f, 60000);
      Region region = memory.take(HeapKind.SHORTS, 4, "Some numbers");
      memory.storeShorts(region.at(), stored.data(), 4);
      int mantissas = PowersOfTwo.mantissas(DType.F16);
      StoredMatrix right =
          new StoredMatrix(Format.HALVES, region.at(), powers.at(DType.F16), mantissas, 0);

      TypeProof.require(memory, right, stored);

      assertThatThrownBy(() -> TypeProof.require(memory, right, halves(1, -2.5f, 1e-7f, 60032)))
          .isInstanceOf(BackendException.class)
          .hasMessageContaining("F16")
          .hasMessageContaining("60032");
    }
  }

  private static Tensor halves(float... values) {
    short[] patterns = new short[values.length];
    for (int i = 0; i < values.length; i++) {
      patterns[i] = Float.floatToFloat16(values[i]);
    }
    return Tensor.of(DType.F16, Shape.of(values.length), MemorySegment.ofArray(patterns));
  }
}
