package io.github.vlm4j.text.decoder;

import io.github.vlm4j.core.model.TokenPositions;
import io.github.vlm4j.core.tensor.Tensor;
import java.util.Arrays;

/**
 * Rotary angles for positions on three axes (Qwen2-VL, Wang et al., 2024): each frequency turns
 * with the time, the height or the width. On text, where the axes agree, this is the ordinary
 * rotary embedding.
 */
public final class MultimodalRotary implements RotaryEmbedding {

  private enum Axis {
    TIME,
    HEIGHT,
    WIDTH
  }

  private final float[] frequencies;
  private final Axis[] axes;

  private MultimodalRotary(int headDim, double theta, Axis[] axes) {
    this.axes = axes;
    frequencies = new float[headDim / 2];
    for (int j = 0; j < frequencies.length; j++) {
      frequencies[j] = (float) (1 / Math.pow(theta, 2.0 * j / headDim));
    }
  }

  /**
   * Lays the axes one behind the other, as Qwen2-VL and Qwen2.5-VL do: the first frequencies turn
   * with the time, those that follow with the height, the last with the width. Reference:
   * transformers, {@code models/qwen2_vl/modeling_qwen2_vl.py}, {@code recomposition_frequencies}.
   *
   * @param headDim the length of a head
   * @param theta the base of the frequencies
   * @param section how many frequencies belong to time, height and width, {@code headDim / 2} in
   *     all
   */
  public static MultimodalRotary sectioned(int headDim, double theta, int[] section) {
    if ((long) section[0] + section[1] + section[2] != headDim / 2) {
      throw new IllegalArgumentException(
          "Sections " + Arrays.toString(section) + " do not make half of a head of " + headDim);
    }
    Axis[] axes = new Axis[headDim / 2];
    Arrays.fill(axes, 0, section[0], Axis.TIME);
    Arrays.fill(axes, section[0], section[0] + section[1], Axis.HEIGHT);
    Arrays.fill(axes, section[0] + section[1], axes.length, Axis.WIDTH);
    return new MultimodalRotary(headDim, theta, axes);
  }

  /**
   * Interleaves the axes as Qwen3-VL does: of the frequencies below {@code 3·section[1]} every
   * second of three turns with the height, of those below {@code 3·section[2]} every third with the
   * width, and all others with the time. Reference: transformers, {@code
   * models/qwen3_vl/modeling_qwen3_vl.py}, {@code apply_interleaved_mrope}.
   *
   * @param headDim the length of a head
   * @param theta the base of the frequencies
   * @param section how many frequencies belong to time, height and width
   */
  public static MultimodalRotary interleaved(int headDim, double theta, int[] section) {
    Axis[] axes = new Axis[headDim / 2];
    for (int j = 0; j < axes.length; j++) {
      if (j % 3 == 1 && j < 3L * section[1]) {
        axes[j] = Axis.HEIGHT;
      } else if (j % 3 == 2 && j < 3L * section[2]) {
        axes[j] = Axis.WIDTH;
      } else {
        axes[j] = Axis.TIME;
      }
    }
    return new MultimodalRotary(headDim, theta, axes);
  }

  @Override
  public int angles() {
    return frequencies.length;
  }

  @Override
  public void fill(TokenPositions positions, int first, int count, Tensor cos, Tensor sin) {
    for (int i = 0; i < count; i++) {
      for (int j = 0; j < frequencies.length; j++) {
        int position =
            switch (axes[j]) {
              case TIME -> positions.time(first + i);
              case HEIGHT -> positions.height(first + i);
              case WIDTH -> positions.width(first + i);
            };
        float angle = position * frequencies[j];
        long at = (long) i * frequencies.length + j;
        cos.setFloat(at, (float) Math.cos(angle));
        sin.setFloat(at, (float) Math.sin(angle));
      }
    }
  }
}
