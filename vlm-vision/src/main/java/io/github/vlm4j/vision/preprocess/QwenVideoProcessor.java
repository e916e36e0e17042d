package io.github.vlm4j.vision.preprocess;

import io.github.vlm4j.core.InputException;
import io.github.vlm4j.vision.image.Image;
import java.util.ArrayList;
import java.util.List;

/**
 * Prepares a video, given as frames that were already sampled: as transformers' {@code
 * Qwen2VLVideoProcessor} or {@code Qwen3VLVideoProcessor} with {@code do_sample_frames=False}, and
 * the timestamps of {@code Qwen3VLProcessor}. Immutable and safe to share between threads.
 */
public final class QwenVideoProcessor {

  /** What the limits on pixels are limits of. */
  public enum PixelLimits {
    /** All frames together, of which there must be as many as a temporal patch has: Qwen3-VL. */
    ALL_FRAMES,
    /** Each frame by itself: Qwen2-VL and Qwen2.5-VL. */
    EACH_FRAME
  }

  private final QwenImageConfig config;
  private final PixelLimits limits;
  private final PatchCutter cutter;

  /**
   * Creates a processor.
   *
   * @param config the model's configuration for videos
   * @param limits what its limits on pixels are limits of
   */
  public QwenVideoProcessor(QwenImageConfig config, PixelLimits limits) {
    this.config = config;
    this.limits = limits;
    this.cutter = new PatchCutter(config);
  }

  /**
   * Prepares a video. If the frames do not fill the last temporal patch, the last frame is
   * repeated.
   *
   * @param frames the frames in order, all of one size
   * @param framesPerSecond their rate
   * @return patches and timestamps
   * @throws InputException if there are no frames, or too few for the limits, they differ in size,
   *     the rate is not positive, or the aspect ratio is over {@value SmartResize#MAX_ASPECT_RATIO}
   */
  public PatchedVideo process(List<Image> frames, double framesPerSecond) {
    if (!(framesPerSecond > 0) || Double.isInfinite(framesPerSecond)) {
      throw new InputException(
          "The video's frame rate is " + framesPerSecond + "; pass frames per second above 0.");
    }
    if (frames.isEmpty()) {
      throw new InputException(
          "The video has no frames; pass at least one temporal patch of them.");
    }
    Image first = frames.getFirst();
    SmartResize size = targetSize(frames.size(), first);
    List<byte[]> resized = new ArrayList<>();
    for (Image frame : frames) {
      if (frame.width() != first.width() || frame.height() != first.height()) {
        throw new InputException(
            "Frame %d of the video is %s but the first is %s; pass frames of one size."
                .formatted(resized.size() + 1, frame, first));
      }
      resized.add(QwenImageProcessor.resized(frame, size, config));
    }
    PatchedImage patches = cutter.cut(resized, size.width(), size.height());
    return new PatchedVideo(patches, timestamps(frames.size(), framesPerSecond));
  }

  private SmartResize targetSize(int frames, Image first) {
    if (!config.doResize()) {
      QwenImageProcessor.requireMultiples(first, config);
      return new SmartResize(first.width(), first.height());
    }
    return switch (limits) {
      case EACH_FRAME ->
          SmartResize.forImage(
              first.width(),
              first.height(),
              config.factor(),
              config.minPixels(),
              config.maxPixels(),
              "The video");
      case ALL_FRAMES ->
          SmartResize.forVideo(
              frames,
              first.width(),
              first.height(),
              config.temporalPatchSize(),
              config.factor(),
              config.minPixels(),
              config.maxPixels(),
              "The video");
    };
  }

  private List<Double> timestamps(int frames, double framesPerSecond) {
    List<Double> timestamps = new ArrayList<>();
    for (int first = 0; first < frames; first += config.temporalPatchSize()) {
      int last = Math.min(first + config.temporalPatchSize(), frames) - 1;
      timestamps.add((first / framesPerSecond + last / framesPerSecond) / 2);
    }
    return timestamps;
  }
}
