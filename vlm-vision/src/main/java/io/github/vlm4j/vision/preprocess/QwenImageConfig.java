package io.github.vlm4j.vision.preprocess;

import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.checkpoint.CompanionFiles;
import io.github.vlm4j.core.checkpoint.ConfigNode;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/**
 * How the pictures (or the frames of a video) for a Qwen2-VL, Qwen2.5-VL or Qwen3-VL model are
 * prepared: the fields of {@code Qwen2VLImageProcessor} and {@code Qwen3VLVideoProcessor} that bear
 * on pixels. Pictures are RGB in any case, whatever {@code do_convert_rgb} says.
 *
 * @param minPixels the fewest pixels after resizing; for a video, of all frames together
 * @param maxPixels the most pixels after resizing; for a video, of all frames together
 * @param patchSize side of a square patch in pixels
 * @param temporalPatchSize frames per patch; a still picture is repeated so many times
 * @param mergeSize side of the square of patches that the patch merger makes one token of
 * @param doResize whether to resize at all; otherwise pictures must already be multiples of {@link
 *     #factor()}
 * @param resample the resizing kernel
 * @param doRescale whether to multiply levels 0..255 by {@code rescaleFactor}
 * @param rescaleFactor usually 1/255
 * @param doNormalize whether to subtract {@code imageMean} and divide by {@code imageStd}
 * @param imageMean per channel R, G, B, on the rescaled levels
 * @param imageStd per channel R, G, B, on the rescaled levels
 */
public record QwenImageConfig(
    long minPixels,
    long maxPixels,
    int patchSize,
    int temporalPatchSize,
    int mergeSize,
    boolean doResize,
    ResampleFilter resample,
    boolean doRescale,
    double rescaleFactor,
    boolean doNormalize,
    List<Double> imageMean,
    List<Double> imageStd) {

  private static final String PROCESSOR_FILE = "processor_config.json";
  private static final String IMAGE_FILE = "preprocessor_config.json";
  private static final String VIDEO_FILE = "video_preprocessor_config.json";

  private static final int CHANNELS = 3;
  private static final int MAX_PATCH_SIZE = 1024;
  private static final int MAX_FRAMES_OR_MERGE = 64;
  private static final int BICUBIC = 3;

  /** To enlarge a small picture to more would cost gigabytes for nothing. */
  private static final long MAX_MIN_PIXELS = 1 << 24;

  /** Copies the lists. */
  public QwenImageConfig {
    imageMean = List.copyOf(imageMean);
    imageStd = List.copyOf(imageStd);
  }

  /**
   * Reads the image processor's configuration from a model folder: the {@code image_processor}
   * object of {@code processor_config.json} if there is one, else {@code preprocessor_config.json},
   * in the reference's order.
   *
   * @param modelFolder the folder
   * @return the configuration
   * @throws CheckpointException if there is none, or a field is missing or invalid; names file and
   *     field
   */
  public static QwenImageConfig load(Path modelFolder) {
    return load(CompanionFiles.in(modelFolder));
  }

  /**
   * Reads the image processor's configuration from what comes with a model, as {@link #load(Path)}.
   *
   * @param files what comes with the model
   * @return the configuration
   * @throws CheckpointException if there is none, or a field is missing or invalid; names file and
   *     field
   */
  public static QwenImageConfig load(CompanionFiles files) {
    return of(find(files, "image_processor", IMAGE_FILE));
  }

  /**
   * Reads the video processor's configuration: the {@code video_processor} object of {@code
   * processor_config.json}, else {@code video_preprocessor_config.json}, else {@code
   * preprocessor_config.json}.
   *
   * @param modelFolder the folder
   * @return the configuration
   * @throws CheckpointException if there is none, or a field is missing or invalid; names file and
   *     field
   */
  public static QwenImageConfig loadForVideo(Path modelFolder) {
    return loadForVideo(CompanionFiles.in(modelFolder));
  }

  /**
   * Reads the video processor's configuration from what comes with a model, as {@link
   * #loadForVideo(Path)}.
   *
   * @param files what comes with the model
   * @return the configuration
   * @throws CheckpointException if there is none, or a field is missing or invalid; names file and
   *     field
   */
  public static QwenImageConfig loadForVideo(CompanionFiles files) {
    ConfigNode node =
        find(files, "video_processor", files.has(VIDEO_FILE) ? VIDEO_FILE : IMAGE_FILE);
    if (node.booleanOr("cap_pixels_per_frame", false)) {
      throw node.invalid("cap_pixels_per_frame", "false or absent, as the cap is not supported");
    }
    return of(node);
  }

  /**
   * Reads a configuration.
   *
   * @param node the object with the processor's fields
   * @return the configuration
   * @throws CheckpointException if a field is missing or invalid; names file and field
   */
  public static QwenImageConfig of(ConfigNode node) {
    int patchSize = node.intBetween("patch_size", 1, MAX_PATCH_SIZE);
    int mergeSize = node.intBetween("merge_size", 1, MAX_FRAMES_OR_MERGE);
    long minPixels = pixels(node, "min_pixels", "shortest_edge");
    long maxPixels = pixels(node, "max_pixels", "longest_edge");
    if (minPixels > MAX_MIN_PIXELS) {
      throw new CheckpointException(
          "%s enlarges every picture to at least %d pixels; a size of at most %d is supported."
              .formatted(node.where(), minPixels, MAX_MIN_PIXELS));
    }
    if (minPixels > maxPixels) {
      throw new CheckpointException(
          "%s allows from %d to %d pixels, an empty range; correct size, min_pixels or max_pixels."
              .formatted(node.where(), minPixels, maxPixels));
    }
    boolean doNormalize = node.booleanOr("do_normalize", true);
    return new QwenImageConfig(
        minPixels,
        maxPixels,
        patchSize,
        node.intBetween("temporal_patch_size", 1, MAX_FRAMES_OR_MERGE),
        mergeSize,
        node.booleanOr("do_resize", true),
        ResampleFilter.ofPillowCode(
            node.nonNegativeIntOr("resample", BICUBIC), node.where() + ": resample"),
        node.booleanOr("do_rescale", true),
        node.positiveDoubleOr("rescale_factor", 1 / 255.0),
        doNormalize,
        perChannel(node, "image_mean", doNormalize, 0),
        perChannel(node, "image_std", doNormalize, 1));
  }

  /**
   * Both sides of a resized picture are multiples of this.
   *
   * @return patch size × merge size
   */
  public int factor() {
    return patchSize * mergeSize;
  }

  private static ConfigNode find(CompanionFiles files, String nested, String file) {
    if (files.has(PROCESSOR_FILE)) {
      ConfigNode node = files.config(PROCESSOR_FILE);
      if (node.has(nested)) {
        return node.object(nested);
      }
    }
    return files.config(file);
  }

  /** The older top-level name wins over the field of {@code size}, as in the reference. */
  private static long pixels(ConfigNode node, String topLevel, String ofSize) {
    return node.has(topLevel)
        ? node.positiveInt(topLevel)
        : node.object("size").positiveInt(ofSize);
  }

  private static List<Double> perChannel(
      ConfigNode node, String field, boolean required, double otherwise) {
    if (!required) {
      return List.of(otherwise, otherwise, otherwise);
    }
    double[] values = node.doubles(field);
    boolean usable = field.equals("image_mean") || Arrays.stream(values).allMatch(v -> v > 0);
    if (values.length != CHANNELS || !usable) {
      throw node.invalid(field, "a list of 3 numbers" + (usable ? "" : " above 0"));
    }
    return Arrays.stream(values).boxed().toList();
  }
}
