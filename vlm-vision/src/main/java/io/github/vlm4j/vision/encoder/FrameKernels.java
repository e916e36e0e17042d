package io.github.vlm4j.vision.encoder;

import io.github.vlm4j.core.ModelException;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.core.weights.Weight;
import io.github.vlm4j.core.weights.WeightScope;
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
    return scope.derive(
        "frames.joined",
        new long[] {hidden, patch.channels(), frames, side, side},
        () -> {
          float[][] kernels = new float[frames][];
          for (int frame = 0; frame < frames; frame++) {
            Weight weight = stored.get(frame);
            kernels[frame] = weight.of(scope.source().tensor(weight.name())).toFloats();
          }
          return Tensor.ofFloats(
              interleaved(kernels, side * side), hidden, patch.channels(), frames, side, side);
        });
  }

  private static float[] interleaved(float[][] kernels, int plane) {
    int planes = kernels[0].length / plane;
    float[] joined = new float[Math.multiplyExact(kernels[0].length, kernels.length)];
    for (int at = 0; at < planes; at++) {
      for (int frame = 0; frame < kernels.length; frame++) {
        int to = (at * kernels.length + frame) * plane;
        System.arraycopy(kernels[frame], at * plane, joined, to, plane);
      }
    }
    return joined;
  }
}
