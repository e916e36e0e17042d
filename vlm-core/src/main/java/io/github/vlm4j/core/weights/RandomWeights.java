package io.github.vlm4j.core.weights;

import io.github.vlm4j.core.ModelException;
import io.github.vlm4j.core.quant.BlockCodec;
import io.github.vlm4j.core.quant.QuantisationPlan;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

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
  private final @Nullable QuantisationPlan plan;
  private final Arena arena = Arena.ofShared();
  private final Map<String, Shape> shapes = new ConcurrentHashMap<>();
  private final Map<String, Tensor> tensors = new ConcurrentHashMap<>();

  /**
   * Creates a source.
   *
   * @param dtype f32, f16, bf16, or a block-quantised type, in which matrices of whole blocks a row
   *     are stored and all else in f32
   * @throws ModelException if it is another type
   */
  public RandomWeights(DType dtype) {
    if (!dtype.isFloat() && !dtype.isQuantised()) {
      throw new ModelException(
          "Random weights are made in floating point or in blocks, not in " + dtype + ".");
    }
    this.dtype = dtype;
    this.plan = null;
  }

  /**
   * Creates a source of quantised parameters.
   *
   * @param plan says which are quantised; the others are bf16
   */
  public RandomWeights(QuantisationPlan plan) {
    this.dtype = DType.BF16;
    this.plan = plan;
  }

  /** Returns false: optional tensors are taken to be absent unless the configuration asks. */
  @Override
  public boolean contains(String name) {
    return false;
  }

  @Override
  public Weight require(String name, Shape expected) {
    shapes.putIfAbsent(name, expected);
    return Weight.of(name, type(name, expected), expected);
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

  private DType type(String name, Shape shape) {
    if (plan != null) {
      return plan.typeOf(name, dtype, shape);
    }
    boolean inBlocks = shape.rank() == 2 && shape.last() % dtype.blockElements() == 0;
    return dtype.isQuantised() && !inBlocks ? DType.F32 : dtype;
  }

  private Tensor fill(String name, Shape shape) {
    // Norm weights and variances around one keep activations from vanishing over dozens of layers.
    boolean aroundOne = name.endsWith("weight") || name.endsWith("running_var");
    float centre = shape.rank() == 1 && aroundOne ? 1 : 0;
    SplittableRandom random = new SplittableRandom(name.hashCode());
    DType type = type(name, shape);
    Tensor tensor = Tensor.allocate(type, shape, arena);
    float[] pattern = new float[(int) Math.min(PATTERN_ELEMENTS, shape.elements())];
    for (int i = 0; i < pattern.length; i++) {
      pattern[i] = centre + (float) random.nextGaussian() * DEVIATION;
    }
    store(pattern, type, tensor.data());
    long patternBytes = type.bytes(pattern.length);
    for (long at = patternBytes; at < tensor.data().byteSize(); at += patternBytes) {
      long length = Math.min(patternBytes, tensor.data().byteSize() - at);
      MemorySegment.copy(tensor.data(), 0, tensor.data(), at, length);
    }
    return tensor;
  }

  private static void store(float[] values, DType type, MemorySegment data) {
    if (type.isQuantised()) {
      BlockCodec.of(type).encode(values, 0, values.length / type.blockElements(), data, 0);
      return;
    }
    for (int i = 0; i < values.length; i++) {
      switch (type) {
        case F32 -> data.set(Tensor.F32, i * 4L, values[i]);
        case F16 -> data.set(Tensor.BITS16, i * 2L, Float.floatToFloat16(values[i]));
        default ->
            data.set(Tensor.BITS16, i * 2L, (short) (Float.floatToRawIntBits(values[i]) >>> 16));
      }
    }
  }
}
