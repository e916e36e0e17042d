package io.github.vlm4j.backend.tornado.device;

import io.github.vlm4j.backend.tornado.device.StoredMatrix.Format;
import io.github.vlm4j.core.quant.BlockCodec;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Whether a device reads the first parameters of a type as the numbers that they are. Compilers of
 * devices have been found to read 16-bit patterns as other numbers without any error.
 */
final class TypeProof {

  private static final int MOST_NUMBERS = 4096;
  private static final float RELATIVE = 1e-6f;

  private TypeProof() {}

  /**
   * Compares numbers that the device has decoded.
   *
   * @param matrix where they lie
   * @param tensor what they are
   * @return what the device reads otherwise, or null if nothing
   */
  static @Nullable String misreading(DeviceMemory memory, StoredMatrix matrix, Tensor tensor) {
    int count = (int) Math.min(MOST_NUMBERS, tensor.shape().elements());
    long bytes = tensor.dtype().bytes(count);
    float[] exact =
        BlockCodec.floats(
            Tensor.of(tensor.dtype(), Shape.of(count), tensor.data().asSlice(0, bytes)));
    float[] found = decoded(memory, matrix, count);
    for (int i = 0; i < count; i++) {
      float error = Math.abs(found[i] - exact[i]);
      if (Float.isFinite(exact[i])
          && !(error <= RELATIVE * Math.abs(exact[i]) + Float.MIN_NORMAL)) {
        return "the " + tensor.dtype() + " number " + exact[i] + " as " + found[i];
      }
    }
    return null;
  }

  private static float[] decoded(DeviceMemory memory, StoredMatrix matrix, int count) {
    Region region = memory.take(HeapKind.FLOATS, count, "A check of weights");
    try {
      memory.launch(
          matrix.format() == Format.HALVES ? Kernel.DECODE_HALVES : Kernel.DECODE_BLOCKS,
          count,
          matrix.at(),
          region.at(),
          matrix.first(),
          matrix.second(),
          matrix.third());
      float[] numbers = new float[count];
      memory.loadFloats(region.at(), MemorySegment.ofArray(numbers), 0, count);
      return numbers;
    } finally {
      memory.release(region);
    }
  }
}
