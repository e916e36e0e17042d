package io.github.vlm4j.core.conformance;

import io.github.vlm4j.core.ModelException;
import io.github.vlm4j.core.quant.BlockCodec;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.core.weights.Weight;
import io.github.vlm4j.core.weights.WeightSource;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;

/** Parameters given by a test, placed in memory as a checkpoint may place them. */
final class InMemoryWeights implements WeightSource {

  /** Where tensors begin. */
  enum Placement {
    /** In native memory, at multiples of a cache line. */
    ALIGNED,
    /** In native memory, at odd addresses, as after a tensor of bytes in a mapped file. */
    ODD,
    /** In arrays. */
    HEAP
  }

  private final Placement placement;
  private final Arena arena = Arena.ofAuto();
  private final Map<String, Tensor> tensors = new HashMap<>();

  InMemoryWeights(Placement placement) {
    this.placement = placement;
  }

  /** Stores numbers, rounded or quantised to the type. */
  Weight add(String name, DType dtype, Shape shape, float[] values) {
    long bytes = dtype.bytes(shape.elements());
    MemorySegment memory =
        switch (placement) {
          case ALIGNED -> arena.allocate(bytes, 64);
          case ODD -> arena.allocate(bytes + 1, 64).asSlice(1);
          case HEAP -> heap(dtype, (int) bytes);
        };
    if (dtype.isQuantised()) {
      int blocks = values.length / dtype.blockElements();
      BlockCodec.of(dtype).encode(values, 0, blocks, memory, 0);
    }
    for (int i = 0; i < values.length && !dtype.isQuantised(); i++) {
      switch (dtype) {
        case F32 -> memory.set(Tensor.F32, i * 4L, values[i]);
        case F16 -> memory.set(Tensor.BITS16, i * 2L, Float.floatToFloat16(values[i]));
        case BF16 ->
            memory.set(Tensor.BITS16, i * 2L, (short) (Float.floatToRawIntBits(values[i]) >>> 16));
        default -> throw new IllegalArgumentException("No test weights in " + dtype);
      }
    }
    tensors.put(name, Tensor.of(dtype, shape, memory));
    return Weight.of(name, dtype, shape);
  }

  /** Stores 16-bit patterns as they are. */
  Weight addBits(String name, DType dtype, Shape shape, short[] patterns) {
    MemorySegment memory = arena.allocate(2L * patterns.length, 64);
    for (int i = 0; i < patterns.length; i++) {
      memory.set(Tensor.BITS16, i * 2L, patterns[i]);
    }
    tensors.put(name, Tensor.of(dtype, shape, memory));
    return Weight.of(name, dtype, shape);
  }

  @Override
  public boolean contains(String name) {
    return tensors.containsKey(name);
  }

  @Override
  public Weight require(String name, Shape expected) {
    return Weight.of(name, tensor(name).dtype(), expected);
  }

  @Override
  public Tensor tensor(String name) {
    Tensor tensor = tensors.get(name);
    if (tensor == null) {
      throw new ModelException("The test has no weights named " + name + ".");
    }
    return tensor;
  }

  private static MemorySegment heap(DType dtype, int bytes) {
    return switch (dtype) {
      case F32 -> MemorySegment.ofArray(new float[bytes / 4]);
      case F16, BF16 -> MemorySegment.ofArray(new short[bytes / 2]);
      default -> MemorySegment.ofArray(new byte[bytes]);
    };
  }
}
