package io.github.vlm4j.backend.tornado.device;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.vlm4j.core.quant.BlockCodec;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import java.lang.foreign.Arena;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

final class BlocksTest {

  @ParameterizedTest
  @EnumSource(names = {"Q8_0", "Q4_0", "Q4_K", "Q6_K"})
  void bytesScalesAndMinimaAreTheSameNumbers(DType dtype) {
    Tensor tensor = Tensor.allocate(dtype, Shape.of(3, 512), Arena.ofAuto());
    SplittableRandom random = new SplittableRandom(3);
    float[] values = new float[3 * 512];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian() + i / 512;
    }
    BlockCodec.of(dtype).encode(values, 0, values.length / dtype.blockElements(), tensor.data(), 0);

    Blocks blocks = Blocks.of(tensor);

    float[] decoded = BlockCodec.floats(tensor);
    float[] minima = blocks.minima();
    for (int i = 0; i < decoded.length; i++) {
      int block = i / blocks.size();
      float value = blocks.q()[i] * blocks.scales()[block];
      assertThat(minima == null ? value : value - minima[block]).isEqualTo(decoded[i]);
    }
  }
}
