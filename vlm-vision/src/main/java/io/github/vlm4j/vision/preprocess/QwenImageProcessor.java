package io.github.vlm4j.vision.preprocess;

import io.github.vlm4j.core.InputException;
import io.github.vlm4j.vision.image.Image;
import java.util.List;

/**
 * Prepares still pictures for Qwen2-VL, Qwen2.5-VL and Qwen3-VL: smart resize, normalisation,
 * patches in merge-block order. Equal bit for bit to transformers 5's {@code Qwen2VLImageProcessor}
 * with its default (torchvision) backend. Immutable and safe to share between threads.
 */
public final class QwenImageProcessor {

  private final QwenImageConfig config;
  private final PatchCutter cutter;

  /**
   * Creates a processor.
   *
   * @param config the model's configuration
   */
  public QwenImageProcessor(QwenImageConfig config) {
    this.config = config;
    this.cutter = new PatchCutter(config);
  }

  /**
   * The configuration.
   *
   * @return as given to the constructor
   */
  public QwenImageConfig config() {
    return config;
  }

  /**
   * The size a picture is resized to, without resizing it.
   *
   * @param image the picture
   * @return multiples of {@link QwenImageConfig#factor()}
   * @throws InputException if the aspect ratio is over {@value SmartResize#MAX_ASPECT_RATIO}, or
   *     resizing is off and the size is no multiple of the factor
   */
  public SmartResize targetSize(Image image) {
    if (config.doResize()) {
      return SmartResize.forImage(
          image.width(),
          image.height(),
          config.factor(),
          config.minPixels(),
          config.maxPixels(),
          image.name());
    }
    requireMultiples(image, config);
    return new SmartResize(image.width(), image.height());
  }

  /**
   * Prepares a picture.
   *
   * @param image the picture
   * @return its patches; the grid has one frame
   * @throws InputException as {@link #targetSize}
   */
  public PatchedImage process(Image image) {
    SmartResize size = targetSize(image);
    return cutter.cut(List.of(resized(image, size, config)), size.width(), size.height());
  }

  static byte[] resized(Image image, SmartResize size, QwenImageConfig config) {
    return new Resampler(
            image.width(),
            image.height(),
            size.width(),
            size.height(),
            config.resample(),
            Resampler.Arithmetic.TORCH)
        .resize(image);
  }

  static void requireMultiples(Image image, QwenImageConfig config) {
    int factor = config.factor();
    if (image.width() % factor != 0 || image.height() % factor != 0) {
      throw new InputException(
          "%s has a side that is no multiple of %d, and do_resize is false; resize it first."
              .formatted(image, factor));
    }
  }
}
