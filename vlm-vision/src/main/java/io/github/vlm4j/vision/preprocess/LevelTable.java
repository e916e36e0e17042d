package io.github.vlm4j.vision.preprocess;

import java.util.List;

/** What each of the 256 levels of a channel becomes by rescaling and normalising, in f32. */
final class LevelTable {

  static final int CHANNELS = 3;

  private static final int LEVELS = 256;

  private final float[][] values;

  private LevelTable(float[][] values) {
    this.values = values;
  }

  /**
   * As transformers 5 computes it: rescaling folded into mean and deviation
   * (`image_processing_backends.py`).
   */
  static LevelTable fused(
      boolean doRescale,
      double rescaleFactor,
      boolean doNormalize,
      List<Double> imageMean,
      List<Double> imageStd) {
    float[][] values = new float[CHANNELS][LEVELS];
    for (int c = 0; c < CHANNELS; c++) {
      float mean = imageMean.get(c).floatValue();
      float std = imageStd.get(c).floatValue();
      if (doRescale && doNormalize) {
        mean *= (float) (1.0 / rescaleFactor);
        std *= (float) (1.0 / rescaleFactor);
      }
      for (int level = 0; level < LEVELS; level++) {
        if (doNormalize) {
          values[c][level] = (level - mean) / std;
        } else {
          values[c][level] = doRescale ? level * (float) rescaleFactor : level;
        }
      }
    }
    return new LevelTable(values);
  }

  /** As torchvision's {@code ToTensor} and {@code Normalize} compute it, one after the other. */
  static LevelTable stepwise(List<Double> imageMean, List<Double> imageStd) {
    float[][] values = new float[CHANNELS][LEVELS];
    for (int c = 0; c < CHANNELS; c++) {
      float mean = imageMean.get(c).floatValue();
      float std = imageStd.get(c).floatValue();
      for (int level = 0; level < LEVELS; level++) {
        values[c][level] = (level / 255f - mean) / std;
      }
    }
    return new LevelTable(values);
  }

  /** The values of a channel's levels, `[256]`. */
  float[] channel(int channel) {
    return values[channel];
  }

  /**
   * Normalises a picture.
   *
   * @param rgb `[height, width, 3]`
   * @return `[3, height, width]`
   */
  float[] planes(byte[] rgb) {
    int pixels = rgb.length / CHANNELS;
    float[] planes = new float[rgb.length];
    for (int c = 0; c < CHANNELS; c++) {
      float[] levels = values[c];
      for (int i = 0, from = c, to = c * pixels; i < pixels; i++, from += CHANNELS, to++) {
        planes[to] = levels[rgb[from] & 0xff];
      }
    }
    return planes;
  }
}
