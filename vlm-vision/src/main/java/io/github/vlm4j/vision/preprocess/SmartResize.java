package io.github.vlm4j.vision.preprocess;

import io.github.vlm4j.core.InputException;

/**
 * The size Qwen's processors resize to: multiples of patch × merge, a bounded number of pixels, the
 * aspect ratio kept as well as that allows. Numbers are rounded half to even, as in the reference
 * (`transformers/models/qwen2_vl/image_processing_qwen2_vl.py` and
 * `models/qwen3_vl/video_processing_qwen3_vl.py`, `smart_resize`).
 *
 * @param width columns, a multiple of the factor
 * @param height rows, a multiple of the factor
 */
public record SmartResize(int width, int height) {

  /** Beyond this ratio of the longer to the shorter side a picture is refused. */
  public static final int MAX_ASPECT_RATIO = 200;

  /**
   * The size for a still picture.
   *
   * @param width columns of the picture
   * @param height rows of the picture
   * @param factor patch size × merge size
   * @param minPixels the fewest pixels of the result
   * @param maxPixels the most pixels of the result, unless one side is the factor already
   * @param name the picture's name, for messages
   * @return the size to resize to
   * @throws InputException if the aspect ratio is over {@value #MAX_ASPECT_RATIO}
   */
  public static SmartResize forImage(
      int width, int height, int factor, long minPixels, long maxPixels, String name) {
    checkAspectRatio(width, height, name);
    return bounded(1, 1, width, height, factor, minPixels, maxPixels);
  }

  /**
   * The size for the frames of a video, whose limits are on the pixels of all frames together.
   *
   * @param frames how many frames, at least {@code temporalFactor}
   * @param width columns of a frame
   * @param height rows of a frame
   * @param temporalFactor frames per temporal patch
   * @param factor patch size × merge size
   * @param minPixels the fewest pixels of all frames
   * @param maxPixels the most pixels of all frames
   * @param name the video's name, for messages
   * @return the size to resize every frame to
   * @throws InputException if the aspect ratio is over {@value #MAX_ASPECT_RATIO}, or there are too
   *     few frames
   */
  public static SmartResize forVideo(
      int frames,
      int width,
      int height,
      int temporalFactor,
      int factor,
      long minPixels,
      long maxPixels,
      String name) {
    if (frames < temporalFactor) {
      throw new InputException(
          "%s has %d frames, expected at least %d; pass more frames, or a still image."
              .formatted(name, frames, temporalFactor));
    }
    int scaledWidth = width;
    int scaledHeight = height;
    if (height < factor || width < factor) {
      double scale = Math.max((double) factor / height, (double) factor / width);
      scaledHeight = (int) (height * scale);
      scaledWidth = (int) (width * scale);
    }
    checkAspectRatio(scaledWidth, scaledHeight, name);
    long roundedFrames = (long) Math.rint((double) frames / temporalFactor) * temporalFactor;
    return bounded(frames, roundedFrames, scaledWidth, scaledHeight, factor, minPixels, maxPixels);
  }

  private static SmartResize bounded(
      int frames,
      long roundedFrames,
      int width,
      int height,
      int factor,
      long minPixels,
      long maxPixels) {
    double targetHeight = Math.rint((double) height / factor) * factor;
    double targetWidth = Math.rint((double) width / factor) * factor;
    double area = roundedFrames * targetHeight * targetWidth;
    double pixels = (double) frames * height * width;
    if (area > maxPixels) {
      double shrink = Math.sqrt(pixels / maxPixels);
      targetHeight = Math.max(factor, Math.floor(height / shrink / factor) * factor);
      targetWidth = Math.max(factor, Math.floor(width / shrink / factor) * factor);
    } else if (area < minPixels) {
      double grow = Math.sqrt(minPixels / pixels);
      targetHeight = Math.ceil(height * grow / factor) * factor;
      targetWidth = Math.ceil(width * grow / factor) * factor;
    }
    return new SmartResize((int) targetWidth, (int) targetHeight);
  }

  private static void checkAspectRatio(int width, int height, String name) {
    if (Math.max(width, height) > (double) MAX_ASPECT_RATIO * Math.min(width, height)) {
      throw new InputException(
          "%s is %d×%d pixels, an aspect ratio over %d, which the model cannot take; crop it."
              .formatted(name, width, height, MAX_ASPECT_RATIO));
    }
  }
}
