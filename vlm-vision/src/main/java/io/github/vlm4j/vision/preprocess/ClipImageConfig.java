package io.github.vlm4j.vision.preprocess;

import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.checkpoint.ConfigNode;
import io.github.vlm4j.vision.preprocess.ResizeRule.Fit;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * How the pictures for a CLIP or SigLIP model are prepared.
 *
 * @param reference whose order of steps and arithmetic to follow
 * @param doResize whether to resize at all
 * @param size the size to resize to
 * @param resample the resizing kernel
 * @param doCenterCrop whether to cut the middle out, or to pad with zeros what is smaller
 * @param cropHeight rows of the middle
 * @param cropWidth columns of the middle
 * @param doRescale whether to multiply levels 0..255 by {@code rescaleFactor}
 * @param rescaleFactor usually 1/255
 * @param doNormalize whether to subtract {@code imageMean} and divide by {@code imageStd}
 * @param imageMean per channel R, G, B, on the rescaled levels
 * @param imageStd per channel R, G, B, on the rescaled levels
 */
public record ClipImageConfig(
    Reference reference,
    boolean doResize,
    ResizeRule size,
    ResampleFilter resample,
    boolean doCenterCrop,
    int cropHeight,
    int cropWidth,
    boolean doRescale,
    double rescaleFactor,
    boolean doNormalize,
    List<Double> imageMean,
    List<Double> imageStd) {

  /** The implementations whose results differ in the order of steps, rounding and last digits. */
  public enum Reference {
    /** transformers 5 with its default backend: to RGB first, torchvision's resizing. */
    TRANSFORMERS,
    /**
     * OpenAI's CLIP and open_clip: resized as stored by Pillow, to RGB after cropping. Pictures are
     * turned upright before, which is left to the caller there. Where the longest edge is resized,
     * palette and ink pictures are padded black.
     */
    OPEN_CLIP,
    /** torchvision's transforms on Pillow's pictures: to RGB first, Pillow's resizing. */
    TORCHVISION
  }

  private static final String LLAVA_NEXT = "LlavaNextImageProcessor";
  private static final int CLIP_SIZE = 224;
  private static final int BICUBIC = 3;
  private static final int MAX_SIDE = 4096;
  private static final int CHANNELS = 3;
  private static final double[] CLIP_MEAN = {0.48145466, 0.4578275, 0.40821073};
  private static final double[] CLIP_STD = {0.26862954, 0.26130258, 0.27577711};
  private static final double[] IMAGENET_MEAN = {0.485, 0.456, 0.406};
  private static final double[] IMAGENET_STD = {0.229, 0.224, 0.225};
  private static final double[] HALF = {0.5, 0.5, 0.5};

  /** Copies the lists. */
  public ClipImageConfig {
    imageMean = List.copyOf(imageMean);
    imageStd = List.copyOf(imageStd);
  }

  /**
   * Reads the configuration of a {@code CLIPImageProcessor} (or {@code CLIPFeatureExtractor}) or a
   * {@code SiglipImageProcessor}. What the file leaves out is as in transformers' classes.
   *
   * @param preprocessor the object of {@code preprocessor_config.json}, or that of {@code
   *     processor_config.json} with the processor inside its field {@code image_processor}
   * @return the configuration
   * @throws CheckpointException if a field is invalid, or the file is for another kind of
   *     processor; names file and field
   */
  public static ClipImageConfig read(ConfigNode preprocessor) {
    ConfigNode node =
        preprocessor.isObject("image_processor")
            ? preprocessor.object("image_processor")
            : preprocessor;
    return read(node, isSiglip(node));
  }

  /**
   * Reads the configuration of a {@code LlavaNextImageProcessor}, whose fields are those of a
   * {@code CLIPImageProcessor} and {@link TileSizes}.
   *
   * @param node the object of {@code preprocessor_config.json}
   * @return the configuration
   * @throws CheckpointException if a field is invalid, or the file is for another kind of
   *     processor; names file and field
   */
  public static ClipImageConfig readTiled(ConfigNode node) {
    String field = "image_processor_type";
    if (!node.stringOr(field, LLAVA_NEXT).startsWith(LLAVA_NEXT)) {
      throw node.invalid(field, LLAVA_NEXT);
    }
    return read(node, false);
  }

  private static ClipImageConfig read(ConfigNode node, boolean siglip) {
    boolean doNormalize = node.booleanOr("do_normalize", true);
    boolean doCenterCrop = node.booleanOr("do_center_crop", !siglip);
    ResizeRule size =
        node.has("size")
            ? size(node)
            : new ResizeRule(siglip ? Fit.EXACT : Fit.SHORTEST_EDGE, CLIP_SIZE, CLIP_SIZE);
    ResizeRule crop =
        node.has("crop_size") ? cropSize(node) : new ResizeRule(Fit.EXACT, CLIP_SIZE, CLIP_SIZE);
    return new ClipImageConfig(
        Reference.TRANSFORMERS,
        node.booleanOr("do_resize", true),
        size,
        ResampleFilter.ofPillowCode(
            node.nonNegativeIntOr("resample", BICUBIC), node.where() + ": resample"),
        doCenterCrop,
        crop.height(),
        crop.width(),
        node.booleanOr("do_rescale", true),
        node.positiveDoubleOr("rescale_factor", 1 / 255.0),
        doNormalize,
        perChannel(node, "image_mean", siglip ? HALF : CLIP_MEAN),
        perChannel(node, "image_std", siglip ? HALF : CLIP_STD));
  }

  /**
   * The transform of OpenAI's CLIP, which open_clip has taken over: the shorter side resized with
   * the bicubic kernel, the middle cut out, CLIP's mean and deviation.
   *
   * @param size the side of the pictures that the model reads
   * @return the configuration
   */
  public static ClipImageConfig openAi(int size) {
    return openClip(Fit.SHORTEST_EDGE, ResampleFilter.BICUBIC, size, CLIP_MEAN, CLIP_STD);
  }

  /**
   * open_clip's transform for evaluation, as the field {@code preprocess_cfg} of an {@code
   * open_clip_config.json} changes it.
   *
   * @param preprocess that field's object
   * @param size the side of the pictures that the model reads; the object's own is not used
   * @return the configuration
   * @throws CheckpointException if a field is invalid; names file and field
   */
  public static ClipImageConfig openClip(ConfigNode preprocess, int size) {
    Fit fit =
        switch (preprocess.stringOr("resize_mode", "shortest")) {
          case "shortest" -> Fit.SHORTEST_EDGE;
          case "longest" -> Fit.LONGEST_EDGE;
          case "squash" -> Fit.EXACT;
          default -> throw preprocess.invalid("resize_mode", "shortest, longest or squash");
        };
    if (fit == Fit.LONGEST_EDGE && preprocess.intOr("fill_color", 0) != 0) {
      throw preprocess.invalid("fill_color", "0 or absent, as another padding is not supported");
    }
    ResampleFilter filter =
        switch (preprocess.stringOr("interpolation", "bicubic")) {
          case "bicubic", "random" -> ResampleFilter.BICUBIC;
          case "bilinear" -> ResampleFilter.BILINEAR;
          default -> throw preprocess.invalid("interpolation", "bicubic, bilinear or random");
        };
    return openClip(
        fit,
        filter,
        size,
        oneOrThree(preprocess, "mean", CLIP_MEAN),
        oneOrThree(preprocess, "std", CLIP_STD));
  }

  private static ClipImageConfig openClip(
      Fit fit, ResampleFilter filter, int size, double[] mean, double[] std) {
    return new ClipImageConfig(
        Reference.OPEN_CLIP,
        true,
        new ResizeRule(fit, size, size),
        filter,
        fit != Fit.EXACT,
        size,
        size,
        true,
        1 / 255.0,
        true,
        boxed(mean),
        boxed(std));
  }

  /**
   * What tutorials write with torchvision: {@code Resize((size, size))}, {@code ToTensor()}, {@code
   * Normalize} with the mean and deviation of ImageNet.
   *
   * @param size the side of the pictures that the model reads
   * @return the configuration
   */
  public static ClipImageConfig imageNet(int size) {
    return new ClipImageConfig(
        Reference.TORCHVISION,
        true,
        new ResizeRule(Fit.EXACT, size, size),
        ResampleFilter.BILINEAR,
        false,
        size,
        size,
        true,
        1 / 255.0,
        true,
        boxed(IMAGENET_MEAN),
        boxed(IMAGENET_STD));
  }

  private static boolean isSiglip(ConfigNode node) {
    String field =
        node.has("image_processor_type") ? "image_processor_type" : "feature_extractor_type";
    String type = node.stringOr(field, "CLIPImageProcessor").toLowerCase(Locale.ROOT);
    if (type.startsWith("siglipimageprocessor")) {
      return true;
    }
    if (!type.startsWith("clipimageprocessor") && !type.startsWith("clipfeatureextractor")) {
      throw node.invalid(field, "CLIPImageProcessor, CLIPFeatureExtractor or SiglipImageProcessor");
    }
    return false;
  }

  private static ResizeRule size(ConfigNode node) {
    if (!node.isObject("size")) {
      int side = side(node, "size");
      return new ResizeRule(Fit.SHORTEST_EDGE, side, side);
    }
    ConfigNode size = node.object("size");
    if (size.has("shortest_edge") && !size.has("longest_edge")) {
      int side = side(size, "shortest_edge");
      return new ResizeRule(Fit.SHORTEST_EDGE, side, side);
    }
    if (!size.has("height") || !size.has("width")) {
      throw node.invalid("size", "an integer, or an object with shortest_edge or height and width");
    }
    return new ResizeRule(Fit.EXACT, side(size, "height"), side(size, "width"));
  }

  private static ResizeRule cropSize(ConfigNode node) {
    if (!node.isObject("crop_size")) {
      int side = side(node, "crop_size");
      return new ResizeRule(Fit.EXACT, side, side);
    }
    ConfigNode size = node.object("crop_size");
    return new ResizeRule(Fit.EXACT, side(size, "height"), side(size, "width"));
  }

  private static int side(ConfigNode node, String field) {
    return node.intBetween(field, 1, MAX_SIDE);
  }

  static List<Double> perChannel(ConfigNode node, String field, double... otherwise) {
    double[] values = node.doublesOr(field, otherwise);
    boolean usable = field.endsWith("mean") || Arrays.stream(values).allMatch(v -> v > 0);
    if (values.length != CHANNELS || !usable) {
      throw node.invalid(field, "a list of 3 numbers" + (usable ? "" : " above 0"));
    }
    return boxed(values);
  }

  private static double[] oneOrThree(ConfigNode node, String field, double... otherwise) {
    if (!node.has(field) || node.isList(field)) {
      return perChannel(node, field, otherwise).stream().mapToDouble(v -> v).toArray();
    }
    double value = field.equals("std") ? node.positiveDouble(field) : node.doubleValue(field);
    return new double[] {value, value, value};
  }

  private static List<Double> boxed(double... values) {
    return Arrays.stream(values).boxed().toList();
  }
}
