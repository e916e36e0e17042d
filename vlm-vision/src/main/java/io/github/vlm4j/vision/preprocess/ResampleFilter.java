package io.github.vlm4j.vision.preprocess;

import io.github.vlm4j.core.CheckpointException;

/** A resampling kernel, by the names and numbers of Pillow's {@code Image.Resampling}. */
public enum ResampleFilter {
  /** The mean of the pixels under an output pixel. */
  BOX(4, 0.5),
  /** Triangle. */
  BILINEAR(2, 1),
  /** Cubic convolution with a = -0.5 (Keys, 1981). */
  BICUBIC(3, 2),
  /** Sinc with a three-lobe window. */
  LANCZOS(1, 3);

  private static final double CUBIC_A = -0.5;

  private final int pillowCode;
  private final double support;

  ResampleFilter(int pillowCode, double support) {
    this.pillowCode = pillowCode;
    this.support = support;
  }

  /**
   * The filter a preprocessor configuration names by number in its {@code resample} field.
   *
   * @param code 1 (lanczos), 2 (bilinear), 3 (bicubic) or 4 (box)
   * @param where the file and field, for the message
   * @return the filter
   * @throws CheckpointException if the number is another
   */
  static ResampleFilter ofPillowCode(int code, String where) {
    for (ResampleFilter filter : values()) {
      if (filter.pillowCode == code) {
        return filter;
      }
    }
    throw new CheckpointException(
        "%s is %d, expected 1 (lanczos), 2 (bilinear), 3 (bicubic) or 4 (box); correct the file."
            .formatted(where, code));
  }

  /** Half the kernel's width, in pixels of the coarser of the two grids. */
  double support() {
    return support;
  }

  double weight(double distance) {
    double x = Math.abs(distance);
    return switch (this) {
      // The box is half open, so that a pixel between two output pixels counts once.
      case BOX -> distance > -0.5 && distance <= 0.5 ? 1 : 0;
      case BILINEAR -> x < 1 ? 1 - x : 0;
      case BICUBIC -> {
        if (x < 1) {
          yield ((CUBIC_A + 2) * x - (CUBIC_A + 3)) * x * x + 1;
        }
        yield x < 2 ? (((x - 5) * x + 8) * x - 4) * CUBIC_A : 0;
      }
      case LANCZOS -> distance >= -3 && distance < 3 ? sinc(x) * sinc(x / 3) : 0;
    };
  }

  private static double sinc(double x) {
    return x == 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
  }
}
