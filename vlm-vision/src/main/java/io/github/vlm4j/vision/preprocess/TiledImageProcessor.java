package io.github.vlm4j.vision.preprocess;

import io.github.vlm4j.vision.image.Image;
import java.util.ArrayList;
import java.util.List;

/**
 * Prepares pictures for LLaVA-NeXT: a copy of the whole squeezed into one tile, and the tiles of
 * the picture fitted into the best of some sizes, black around it. Reference: transformers 5,
 * {@code models/llava_next/image_processing_llava_next.py} with its default backend.
 */
public final class TiledImageProcessor {

  private static final int CHANNELS = 3;

  private final ClipImageConfig config;
  private final TileSizes sizes;
  private final int side;
  private final LevelTable levels;

  /**
   * Creates a processor.
   *
   * @param config the kernel, and how levels are normalised
   * @param sizes that pictures are fitted into
   * @param side of a tile, in pixels; divides all sizes
   */
  public TiledImageProcessor(ClipImageConfig config, TileSizes sizes, int side) {
    this.config = config;
    this.sizes = sizes;
    this.side = side;
    this.levels =
        LevelTable.fused(
            config.doRescale(),
            config.rescaleFactor(),
            config.doNormalize(),
            config.imageMean(),
            config.imageStd());
  }

  /**
   * Prepares a picture.
   *
   * @return the copy of the whole, then the tiles row by row
   * @throws io.github.vlm4j.core.InputException if the picture is out of all proportion
   */
  public List<PixelValues> process(Image image) {
    TileSizes.Size size = sizes.best(image.height(), image.width());
    List<PixelValues> frames = new ArrayList<>();
    frames.add(normalised(resized(image, side, side)));
    byte[] canvas = fitted(image, size);
    for (int top = 0; top < size.height(); top += side) {
      for (int left = 0; left < size.width(); left += side) {
        frames.add(normalised(tile(canvas, size.width(), top, left)));
      }
    }
    return frames;
  }

  private byte[] fitted(Image image, TileSizes.Size size) {
    double across = (double) size.width() / image.width();
    double down = (double) size.height() / image.height();
    int height = size.height();
    int width = size.width();
    if (across < down) {
      height = (int) Math.min(Math.ceil(image.height() * across), height);
    } else {
      width = (int) Math.min(Math.ceil(image.width() * down), width);
    }
    byte[] picture = resized(image, height, width);
    byte[] canvas = new byte[CHANNELS * size.height() * size.width()];
    int top = (size.height() - height) / 2;
    int left = (size.width() - width) / 2;
    for (int y = 0; y < height; y++) {
      int to = CHANNELS * ((top + y) * size.width() + left);
      System.arraycopy(picture, CHANNELS * width * y, canvas, to, CHANNELS * width);
    }
    return canvas;
  }

  private byte[] resized(Image image, int height, int width) {
    return new Resampler(
            image.width(),
            image.height(),
            width,
            height,
            config.resample(),
            Resampler.Arithmetic.TORCH)
        .resize(image);
  }

  private byte[] tile(byte[] canvas, int width, int top, int left) {
    byte[] tile = new byte[CHANNELS * side * side];
    for (int y = 0; y < side; y++) {
      int from = CHANNELS * ((top + y) * width + left);
      System.arraycopy(canvas, from, tile, CHANNELS * side * y, CHANNELS * side);
    }
    return tile;
  }

  private PixelValues normalised(byte[] rgb) {
    return new PixelValues(levels.planes(rgb), CHANNELS, side, side);
  }
}
