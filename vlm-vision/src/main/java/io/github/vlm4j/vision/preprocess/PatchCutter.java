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

  private final QwenImageConfig config;

  /** The arithmetic is done once for every level, not per pixel. */
  private final LevelTable normalised;

  PatchCutter(QwenImageConfig config) {
    this.config = config;
    this.normalised =
        LevelTable.fused(
            config.doRescale(),
            config.rescaleFactor(),
            config.doNormalize(),
            config.imageMean(),
            config.imageStd());
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
      float[] levels = normalised.channel(c);
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
