package io.github.vlm4j.text.decoder;

import io.github.vlm4j.core.model.TokenPositions;
import io.github.vlm4j.core.tensor.Tensor;

/**
 * Rotary angles for positions on three axes, interleaved as Qwen3-VL does: of the frequencies below
 * {@code 3·section[1]} every second of three turns with the height, of those below {@code
 * 3·section[2]} every third with the width, and all others with the time. On text, where the axes
 * agree, this is the ordinary rotary embedding. Reference: transformers, {@code
 * models/qwen3_vl/modeling_qwen3_vl.py}, {@code apply_interleaved_mrope}.
 */
public final class MultimodalRotary implements RotaryEmbedding {

  private enum Axis {
    TIME,
    HEIGHT,
    WIDTH
  }

  private final float[] frequencies;
  private final Axis[] axes;

  /**
   * Lays out the frequencies.
   *
   * @param headDim the length of a head
   * @param theta the base of the frequencies
   * @param section how many frequencies belong to time, height and width
   */
  public MultimodalRotary(int headDim, double theta, int[] section) {
    int half = headDim / 2;
    frequencies = new float[half];
    axes = new Axis[half];
    for (int j = 0; j < half; j++) {
      frequencies[j] = (float) (1 / Math.pow(theta, 2.0 * j / headDim));
      if (j % 3 == 1 && j < 3L * section[1]) {
        axes[j] = Axis.HEIGHT;
      } else if (j % 3 == 2 && j < 3L * section[2]) {
        axes[j] = Axis.WIDTH;
      } else {
        axes[j] = Axis.TIME;
      }
    }
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
