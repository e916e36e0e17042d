package io.github.vlm4j.vision.preprocess;

import io.github.vlm4j.core.InputException;
import io.github.vlm4j.vision.image.Image;
import io.github.vlm4j.vision.preprocess.ClipImageConfig.Reference;

/**
 * Prepares pictures for CLIP and SigLIP models, as transformers 5's {@code CLIPImageProcessor} and
 * {@code SiglipImageProcessor} with their default backend, as the transform of OpenAI's CLIP and
 * open_clip, or as torchvision's transforms do. Immutable and safe to share between threads.
 *
 * <p>Levels before normalisation are equal bit for bit to the reference's in our tests. Only those
 * pixels are computed that the crop leaves.
 */
public final class ClipImageProcessor {

  private static final int CHANNELS = 3;

  private final ClipImageConfig config;
  private final LevelTable levels;

  /**
   * Creates a processor.
   *
   * @param config the model's configuration
   */
  public ClipImageProcessor(ClipImageConfig config) {
    this.config = config;
    this.levels =
        config.reference() == Reference.TRANSFORMERS
            ? LevelTable.fused(
                config.doRescale(),
                config.rescaleFactor(),
                config.doNormalize(),
                config.imageMean(),
                config.imageStd())
            : LevelTable.stepwise(config.imageMean(), config.imageStd());
  }

  /**
   * The configuration.
   *
   * @return as given to the constructor
   */
  public ClipImageConfig config() {
    return config;
  }

  /**
   * Prepares a picture.
   *
   * @param image the picture
   * @return its normalised pixels
   * @throws InputException if the picture is out of all proportion
   */
  public PixelValues process(Image image) {
    int[] resizedTo = resizedTo(image);
    int height = resizedTo[0];
    int width = resizedTo[1];
    Span rows = span(height, config.cropHeight());
    Span columns = span(width, config.cropWidth());
    CropWindow window = new CropWindow(columns.from, rows.from, columns.count, rows.count);
    byte[] resized =
        switch (config.reference()) {
          case OPEN_CLIP -> new StoredResize(width, height, window, config.resample()).apply(image);
          case TORCHVISION ->
              new StoredResize(width, height, window, config.resample()).ofRgb(image);
          case TRANSFORMERS ->
              new Resampler(
                      image.width(),
                      image.height(),
                      width,
                      height,
                      window,
                      config.resample(),
                      Resampler.Arithmetic.TORCH)
                  .resize(image);
        };
    return new PixelValues(
        levels.planes(padded(resized, rows, columns)), CHANNELS, rows.total, columns.total);
  }

  /**
   * Tells what of a picture is in the result, for drawing what a model makes of it.
   *
   * @param image the picture
   * @return all of it, less where the middle was cut out, more where it was padded
   */
  public SeenRegion seen(Image image) {
    int[] resizedTo = resizedTo(image);
    Span rows = span(resizedTo[0], config.cropHeight());
    Span columns = span(resizedTo[1], config.cropWidth());
    double down = (double) image.height() / resizedTo[0];
    double across = (double) image.width() / resizedTo[1];
    return new SeenRegion(
        across * (columns.from - columns.before),
        down * (rows.from - rows.before),
        across * columns.total,
        down * rows.total);
  }

  private int[] resizedTo(Image image) {
    return config.doResize()
        ? config.size().target(image.height(), image.width())
        : new int[] {image.height(), image.width()};
  }

  /** A range of a picture's rows or columns and where it goes in the result. */
  private record Span(int from, int count, int before, int total) {}

  private Span span(int size, int crop) {
    if (!config.doCenterCrop()) {
      return new Span(0, size, 0, size);
    }
    if (crop >= size) {
      return new Span(0, size, (crop - size) / 2, crop);
    }
    int from =
        config.reference() == Reference.OPEN_CLIP
            ? (int) Math.rint((size - crop) / 2.0)
            : (size - crop) / 2;
    return new Span(from, crop, 0, crop);
  }

  private static byte[] padded(byte[] rgb, Span rows, Span columns) {
    if (rows.count == rows.total && columns.count == columns.total) {
      return rgb;
    }
    byte[] padded = new byte[CHANNELS * rows.total * columns.total];
    int stride = CHANNELS * columns.count;
    for (int y = 0; y < rows.count; y++) {
      int to = CHANNELS * ((rows.before + y) * columns.total + columns.before);
      System.arraycopy(rgb, y * stride, padded, to, stride);
    }
    return padded;
  }
}
