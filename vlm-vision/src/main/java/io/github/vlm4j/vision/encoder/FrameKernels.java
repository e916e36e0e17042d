package io.github.vlm4j.vision.encoder;

import io.github.vlm4j.core.ModelException;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.core.weights.Weight;
import io.github.vlm4j.core.weights.WeightScope;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * The kernel of a patch embedding over time, of which each frame is stored by itself, as in GGUF
 * files: their tensors have no more than four dimensions.
 */
final class FrameKernels {

  private FrameKernels() {}

  /**
   * Returns the kernel {@code [hidden, channels, frames, side, side]} that is joined from {@code
   * frame.0.weight}, {@code frame.1.weight} …, {@code [hidden, channels, side, side]} each.
   *
   * @throws ModelException if one is quantised
   */
  static Weight joined(WeightScope scope, int hidden, PatchLayout patch) {
    int frames = patch.temporalPatchSize();
    int side = patch.patchSize();
    List<Weight> stored = new ArrayList<>();
    for (int frame = 0; frame < frames; frame++) {
      Weight weight = scope.get("frame." + frame + ".weight", hidden, patch.channels(), side, side);
      if (!weight.dtype().isFloat()) {
        throw new ModelException(
            "Tensor " + weight + ", a part of a convolution, must be F32, F16 or BF16.");
      }
      stored.add(weight);
    }
    DType dtype = common(stored);
    long[] dims = {hidden, patch.channels(), frames, side, side};
    return scope.derive(
        "frames.joined",
        dtype,
        dims,
        () -> {
          List<MemorySegment> kernels = new ArrayList<>();
          for (Weight weight : stored) {
            Tensor kernel = weight.of(scope.source().tensor(weight.name()));
            kernels.add(
                kernel.dtype() == dtype ? kernel.data() : MemorySegment.ofArray(kernel.toFloats()));
          }
          return interleaved(kernels, dtype, Shape.of(dims));
        });
  }

  /** The type of all, so that products with them are of the kind of all others; else f32. */
  private static DType common(List<Weight> weights) {
    DType first = weights.getFirst().dtype();
    return weights.stream().allMatch(weight -> weight.dtype() == first) ? first : DType.F32;
  }

  private static Tensor interleaved(List<MemorySegment> kernels, DType dtype, Shape shape) {
    Tensor joined = Tensor.allocate(dtype, shape, Arena.ofAuto());
    long plane = dtype.bytes(shape.dim(3) * shape.dim(4));
    long to = 0;
    for (long from = 0; to < joined.data().byteSize(); from += plane) {
      for (MemorySegment kernel : kernels) {
        MemorySegment.copy(kernel, from, joined.data(), to, plane);
        to += plane;
      }
    }
    return joined;
  }
}
