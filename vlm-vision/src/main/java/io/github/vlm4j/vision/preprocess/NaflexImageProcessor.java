package io.github.vlm4j.vision.preprocess;

import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.InputException;
import io.github.vlm4j.core.checkpoint.ConfigNode;
import io.github.vlm4j.vision.image.Image;

/**
 * Prepares pictures for SigLIP 2 with variable grids, as transformers 5's {@code
 * Siglip2ImageProcessor} with its default backend: resized to as many whole patches as are allowed,
 * with the aspect ratio kept as well as that allows. The rows of zeros that the reference appends
 * up to the allowed number are not made. Immutable and safe to share between threads.
 */
public final class NaflexImageProcessor {

  private static final int CHANNELS = 3;
  private static final int BILINEAR = 2;
  private static final int DEFAULT_PATCH_SIZE = 16;
  private static final int DEFAULT_MAX_PATCHES = 256;
  private static final int MAX_PATCH_SIZE = 256;

  /** 256 MiB of values at a patch size of 16. */
  private static final int MAX_PIXELS = 1 << 24;

  private static final double SCALE_TOLERANCE = 1e-5;
  private static final double MAX_SCALE = 100;

  private final int patchSize;
  private final int maxPatches;
  private final boolean doResize;
  private final ResampleFilter resample;
  private final LevelTable levels;

  private NaflexImageProcessor(
      int patchSize, int maxPatches, boolean doResize, ResampleFilter resample, LevelTable levels) {
    this.patchSize = patchSize;
    this.maxPatches = maxPatches;
    this.doResize = doResize;
    this.resample = resample;
    this.levels = levels;
  }

  /**
   * Creates a processor from its configuration. What the file leaves out is as in transformers'
   * class.
   *
   * @param preprocessor the object of {@code preprocessor_config.json}, or that of {@code
   *     processor_config.json} with the processor inside its field {@code image_processor}
   * @return the processor
   * @throws CheckpointException if a field is invalid; names file and field
   */
  public static NaflexImageProcessor read(ConfigNode preprocessor) {
    ConfigNode node =
        preprocessor.isObject("image_processor")
            ? preprocessor.object("image_processor")
            : preprocessor;
    int patchSize =
        node.has("patch_size")
            ? node.intBetween("patch_size", 1, MAX_PATCH_SIZE)
            : DEFAULT_PATCH_SIZE;
    int maxPatches = node.positiveIntOr("max_num_patches", DEFAULT_MAX_PATCHES);
    if ((long) maxPatches * patchSize * patchSize > MAX_PIXELS) {
      throw node.invalid(
          "max_num_patches",
          "at most %d for patches of %d×%d"
              .formatted(MAX_PIXELS / (patchSize * patchSize), patchSize, patchSize));
    }
    return new NaflexImageProcessor(
        patchSize,
        maxPatches,
        node.booleanOr("do_resize", true),
        ResampleFilter.ofPillowCode(
            node.nonNegativeIntOr("resample", BILINEAR), node.where() + ": resample"),
        LevelTable.fused(
            node.booleanOr("do_rescale", true),
            node.positiveDoubleOr("rescale_factor", 1 / 255.0),
            node.booleanOr("do_normalize", true),
            ClipImageConfig.perChannel(node, "image_mean", 0.5, 0.5, 0.5),
            ClipImageConfig.perChannel(node, "image_std", 0.5, 0.5, 0.5)));
  }

  /**
   * The side of a patch.
   *
   * @return pixels
   */
  public int patchSize() {
    return patchSize;
  }

  /**
   * The most patches of a picture, up to which the reference fills smaller ones.
   *
   * @return at least 1
   */
  public int maxPatches() {
    return maxPatches;
  }

  /**
   * Prepares a picture.
   *
   * @param image the picture
   * @return its patches
   * @throws InputException if the picture is out of all proportion, or resizing is off and it does
   *     not consist of whole patches, or of too many
   */
  public NaflexImage process(Image image) {
    int[] target = targetSize(image);
    int height = target[0];
    int width = target[1];
    byte[] rgb =
        new Resampler(
                image.width(), image.height(), width, height, resample, Resampler.Arithmetic.TORCH)
            .resize(image);
    int rows = height / patchSize;
    int columns = width / patchSize;
    float[] patches = new float[rgb.length];
    int at = 0;
    for (int row = 0; row < rows; row++) {
      for (int column = 0; column < columns; column++) {
        for (int y = 0; y < patchSize; y++) {
          int from = CHANNELS * ((row * patchSize + y) * width + column * patchSize);
          for (int i = 0; i < CHANNELS * patchSize; i++) {
            patches[at++] = levels.channel(i % CHANNELS)[rgb[from + i] & 0xff];
          }
        }
      }
    }
    return new NaflexImage(patches, rows, columns);
  }

  /** Rows and columns of the resized picture (`get_image_size_for_max_num_patches`). */
  private int[] targetSize(Image image) {
    if (!doResize) {
      if (image.height() % patchSize != 0
          || image.width() % patchSize != 0
          || patches(image.height(), image.width()) > maxPatches) {
        throw new InputException(
            "%s is not made of at most %d patches of %d×%d, and do_resize is false; resize it."
                .formatted(image, maxPatches, patchSize, patchSize));
      }
      return new int[] {image.height(), image.width()};
    }
    double low = SCALE_TOLERANCE / 10;
    double high = MAX_SCALE;
    while (high - low >= SCALE_TOLERANCE) {
      double scale = (low + high) / 2;
      if (patches(scaled(image.height(), scale), scaled(image.width(), scale)) <= maxPatches) {
        low = scale;
      } else {
        high = scale;
      }
    }
    long height = scaled(image.height(), low);
    long width = scaled(image.width(), low);
    if (patches(height, width) > maxPatches) {
      throw new InputException(
          "%s is too elongated for %d patches of %d×%d; crop it first."
              .formatted(image, maxPatches, patchSize, patchSize));
    }
    return new int[] {(int) height, (int) width};
  }

  private long scaled(int size, double scale) {
    return Math.max(patchSize, (long) Math.ceil(size * scale / patchSize) * patchSize);
  }

  private long patches(long height, long width) {
    return (height / patchSize) * (width / patchSize);
  }
}
