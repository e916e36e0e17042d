package io.github.vlm4j.core.weights;

import io.github.vlm4j.core.ModelException;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * Parameters of the right shapes filled with small random numbers, for measuring a model's speed
 * and memory at its real size without its checkpoint. The numbers depend on nothing but the name,
 * so two runs compute the same. They live in native memory, as mapped ones do, from when they are
 * first read: a part of a model that does not run takes none.
 */
public final class RandomWeights implements WeightSource, AutoCloseable {

  /** Long enough not to sit in a cache line pattern, short enough to be filled at memory speed. */
  private static final int PATTERN_ELEMENTS = 1 << 16;

  private static final float DEVIATION = 0.02f;

  private final DType dtype;
  private final Arena arena = Arena.ofShared();
  private final Map<String, Shape> shapes = new HashMap<>();
  private final Map<String, Tensor> tensors = new HashMap<>();

  /**
   * Creates a source.
   *
   * @param dtype f32, f16 or bf16
   * @throws ModelException if it is another type
   */
  public RandomWeights(DType dtype) {
    if (!dtype.isFloat()) {
      throw new ModelException(
          "Random weights are made in f32, f16 or bf16, not in " + dtype + ".");
    }
    this.dtype = dtype;
  }

  /** Returns false: optional tensors are taken to be absent unless the configuration asks. */
  @Override
  public boolean contains(String name) {
    return false;
  }

  @Override
  public Weight require(String name, Shape expected) {
    shapes.putIfAbsent(name, expected);
    return Weight.of(name, dtype, expected);
  }

  @Override
  public Tensor tensor(String name) {
    Shape shape = shapes.get(name);
    if (shape == null) {
      throw new ModelException("No layer has asked for random weights named " + name + ".");
    }
    return tensors.computeIfAbsent(name, key -> fill(key, shape));
  }

  /** Frees the memory; tensors taken from this source can no longer be read. */
  @Override
  public void close() {
    arena.close();
  }

  private Tensor fill(String name, Shape shape) {
    // Norm weights and variances around one keep activations from vanishing over dozens of layers.
    boolean aroundOne = name.endsWith("weight") || name.endsWith("running_var");
    float centre = shape.rank() == 1 && aroundOne ? 1 : 0;
    SplittableRandom random = new SplittableRandom(name.hashCode());
    Tensor tensor = Tensor.allocate(dtype, shape, arena);
    int pattern = (int) Math.min(PATTERN_ELEMENTS, shape.elements());
    for (int i = 0; i < pattern; i++) {
      set(tensor.data(), i, centre + (float) random.nextGaussian() * DEVIATION);
    }
    long patternBytes = dtype.bytes(pattern);
    for (long at = patternBytes; at < tensor.data().byteSize(); at += patternBytes) {
      long length = Math.min(patternBytes, tensor.data().byteSize() - at);
      MemorySegment.copy(tensor.data(), 0, tensor.data(), at, length);
    }
    return tensor;
  }

  private void set(MemorySegment data, long index, float value) {
    switch (dtype) {
      case F32 -> data.set(Tensor.F32, index * 4, value);
      case F16 -> data.set(Tensor.BITS16, index * 2, Float.floatToFloat16(value));
      default ->
          data.set(Tensor.BITS16, index * 2, (short) (Float.floatToRawIntBits(value) >>> 16));
    }
  }
}
