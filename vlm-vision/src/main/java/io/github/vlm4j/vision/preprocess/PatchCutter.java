package io.github.vlm4j.vision.preprocess;

import io.github.vlm4j.core.InputException;
import io.github.vlm4j.core.model.PatchGrid;
import java.util.List;

/**
 * Normalises resized frames and cuts them into patches, in the order {@link PatchedImage}
 * describes.
 */
final class PatchCutter {

  private static final int CHANNELS = 3;
  private static final int LEVELS = 256;

  private final QwenImageConfig config;

  /**
   * The normalised value of every level, `[3, 256]`: the arithmetic is done once, not per pixel.
   */
  private final float[][] normalised = new float[CHANNELS][LEVELS];

  PatchCutter(QwenImageConfig config) {
    this.config = config;
    for (int c = 0; c < CHANNELS; c++) {
      // f32 throughout and rescaling folded into mean and deviation, as the reference does it.
      float mean = config.imageMean().get(c).floatValue();
      float std = config.imageStd().get(c).floatValue();
      if (config.doRescale() && config.doNormalize()) {
        mean *= (float) (1.0 / config.rescaleFactor());
        std *= (float) (1.0 / config.rescaleFactor());
      }
      for (int level = 0; level < LEVELS; level++) {
        if (config.doNormalize()) {
          normalised[c][level] = (level - mean) / std;
        } else {
          normalised[c][level] =
              config.doRescale() ? level * (float) config.rescaleFactor() : level;
        }
      }
    }
  }

  /**
   * Cuts frames of one size.
   *
   * @param frames RGB, each `[height, width, 3]`; the last one stands in for those missing at the
   *     end
   * @param width columns, a multiple of the factor
   * @param height rows, a multiple of the factor
   */
  PatchedImage cut(List<byte[]> frames, int width, int height) {
    int patch = config.patchSize();
    int merge = config.mergeSize();
    int temporal = config.temporalPatchSize();
    PatchGrid grid =
        new PatchGrid(Math.ceilDiv(frames.size(), temporal), height / patch, width / patch);
    int patchLength = CHANNELS * temporal * patch * patch;
    long length = (long) grid.patches() * patchLength;
    if (length > Integer.MAX_VALUE - 8) {
      throw new InputException(
          "%d frames of %d×%d make %d values, more than an array holds; pass fewer or smaller."
              .formatted(frames.size(), width, height, length));
    }
    float[] values = new float[(int) length];
    int at = 0;
    for (int t = 0; t < grid.frames(); t++) {
      for (int blockY = 0; blockY < grid.height(); blockY += merge) {
        for (int blockX = 0; blockX < grid.width(); blockX += merge) {
          for (int y = blockY; y < blockY + merge; y++) {
            for (int x = blockX; x < blockX + merge; x++) {
              for (int f = 0; f < temporal; f++) {
                byte[] frame = frames.get(Math.min(t * temporal + f, frames.size() - 1));
                int from = CHANNELS * (y * patch * width + x * patch);
                copyPatch(frame, from, CHANNELS * width, values, at + f * patch * patch);
              }
              at += patchLength;
            }
          }
        }
      }
    }
    return new PatchedImage(grid, patchLength, values);
  }

  private void copyPatch(byte[] frame, int from, int stride, float[] values, int at) {
    int patch = config.patchSize();
    int plane = config.temporalPatchSize() * patch * patch;
    for (int c = 0; c < CHANNELS; c++) {
      float[] levels = normalised[c];
      int to = at + c * plane;
      for (int y = 0; y < patch; y++) {
        int source = from + y * stride + c;
        for (int x = 0; x < patch; x++, source += CHANNELS) {
          values[to++] = levels[frame[source] & 0xff];
        }
      }
    }
  }
}
