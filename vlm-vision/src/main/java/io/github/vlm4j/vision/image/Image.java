package io.github.vlm4j.vision.image;

import io.github.vlm4j.core.InputException;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Supplier;

/**
 * A picture as a vision model sees it: upright, 8-bit RGB, `[height, width, 3]`. Immutable and safe
 * to share between threads.
 *
 * <p>JPEG (grey, YCbCr, RGB, CMYK, YCCK; baseline and progressive), PNG (every colour type and
 * depth), GIF (first frame), BMP, TIFF (first page) and WebP (first frame) are read. The whole file
 * is decoded when the picture is created, so whatever is wrong with it is reported there, and the
 * file is no longer needed afterwards. Width, height and plausibility are checked before pixels are
 * decoded.
 *
 * <p>Pixels are those that Pillow's {@code ImageOps.exif_transpose(Image.open(f)).convert("RGB")}
 * gives, which is what the reference processors work on. That means:
 *
 * <ul>
 *   <li>the EXIF orientation (or, without one, that of the XMP packet) is applied;
 *   <li>transparency is dropped, not blended: a transparent pixel keeps its stored colour;
 *   <li>colour profiles and gamma are ignored;
 *   <li>16-bit colour keeps its high byte, but 16-bit grey without alpha is <em>clipped</em> at
 *       255, as Pillow does it: most such pictures turn white, so convert them to 8 bits
 *       beforehand;
 *   <li>CMYK becomes {@code (255-C)·(255-K)/255} with no colour profile; JPEG's is stored inverted.
 * </ul>
 *
 * <p>What this leaves out of the file's samples (transparency, ink, grey of more than 8 bits) is
 * kept beside the pixels, see {@link #storedMode()}.
 *
 * <p>Measured against Pillow 12.3 on the pictures in the tests, all of these formats are equal bit
 * for bit, subsampled JPEG and lossy WebP included. Known to differ: JPEG with 4:4:0 sampling
 * (mostly from rotating 4:2:2 without loss), whose chroma the JDK repeats where libjpeg-turbo
 * interpolates: by 2.2 levels of 255 on average in a noisy picture, at most 67.
 */
public final class Image {

  private static final String UNNAMED = "image";

  private final String name;
  private final int width;
  private final int height;
  private final byte[] rgb;
  private final StoredMode storedMode;
  private final byte[] storedSamples;

  private Image(String name, Dimensions size, DecodedPixels pixels) {
    this.name = name;
    this.width = size.width();
    this.height = size.height();
    this.rgb = pixels.rgb();
    this.storedMode = pixels.mode();
    this.storedSamples = pixels.samples();
  }

  /**
   * Reads a picture file within {@link ImageLimits#DEFAULT}.
   *
   * @param file the picture
   * @return the decoded picture
   * @throws InputException if the file cannot be read, is no picture, is damaged, or is too large
   */
  public static Image of(Path file) {
    return of(file, ImageLimits.DEFAULT);
  }

  /**
   * Reads a picture file.
   *
   * @param file the picture
   * @param limits how large it may be
   * @return the decoded picture
   * @throws InputException if the file cannot be read, is no picture, is damaged, or is too large
   */
  public static Image of(Path file, ImageLimits limits) {
    String name = String.valueOf(file.getFileName() == null ? file : file.getFileName());
    if (Files.isDirectory(file)) {
      throw new InputException(
          "%s is a folder, expected an image file; name the picture inside it.".formatted(file));
    }
    try {
      if (Files.exists(file) && !Files.isRegularFile(file)) {
        throw new InputException(
            "%s is not a regular file, expected an image; pass its bytes or a stream instead."
                .formatted(file));
      }
      try (InputStream in = Files.newInputStream(file)) {
        return decode(readBounded(in, name, limits), name, limits);
      }
    } catch (NoSuchFileException e) {
      throw new InputException(
          "There is no image file %s; check the path.".formatted(file.toAbsolutePath()), e);
    } catch (IOException e) {
      throw new InputException(
          "The image file %s cannot be read (%s); check its permissions.".formatted(file, e), e);
    }
  }

  /**
   * Reads several picture files within {@link ImageLimits#DEFAULT}, on all processors.
   *
   * @param files the pictures
   * @return the decoded pictures in the order of the files
   * @throws InputException as {@link #of(Path)}, for the first file that is to blame
   */
  public static List<Image> all(List<Path> files) {
    return ReadAhead.all(files.stream().<Supplier<Image>>map(file -> () -> of(file)).toList());
  }

  /**
   * Decodes an encoded picture within {@link ImageLimits#DEFAULT}.
   *
   * @param encoded the bytes of an image file
   * @return the decoded picture
   * @throws InputException if the bytes are no picture, are damaged, or the picture is too large
   */
  public static Image of(byte[] encoded) {
    return of(encoded, ImageLimits.DEFAULT);
  }

  /**
   * Decodes an encoded picture.
   *
   * @param encoded the bytes of an image file
   * @param limits how large it may be
   * @return the decoded picture
   * @throws InputException if the bytes are no picture, are damaged, or the picture is too large
   */
  public static Image of(byte[] encoded, ImageLimits limits) {
    if (encoded.length > limits.maxBytes()) {
      throw tooManyBytes(UNNAMED, limits);
    }
    return decode(encoded, UNNAMED, limits);
  }

  /**
   * Reads an encoded picture from a stream to its end, within {@link ImageLimits#DEFAULT}. The
   * stream is left open.
   *
   * @param in the bytes of an image file
   * @return the decoded picture
   * @throws InputException if the stream fails, its bytes are no picture, are damaged, or the
   *     picture is too large
   */
  public static Image of(InputStream in) {
    return of(in, ImageLimits.DEFAULT);
  }

  /**
   * Reads an encoded picture from a stream to its end. The stream is left open.
   *
   * @param in the bytes of an image file
   * @param limits how large it may be
   * @return the decoded picture
   * @throws InputException if the stream fails, its bytes are no picture, are damaged, or the
   *     picture is too large
   */
  public static Image of(InputStream in, ImageLimits limits) {
    try {
      return decode(readBounded(in, UNNAMED, limits), UNNAMED, limits);
    } catch (IOException e) {
      throw new InputException(
          "The image stream failed before its end (%s); read it again.".formatted(e), e);
    }
  }

  /**
   * Takes the pixels of a picture in memory, by the rules in the class comment (samples as they are
   * stored, no colour management, transparency dropped). Later changes to {@code picture} do not
   * show.
   *
   * @param picture grey, RGB, indexed or CMYK
   * @return a copy
   * @throws InputException if the colour model is another, or there are too many pixels
   */
  public static Image of(BufferedImage picture) {
    Dimensions size = new Dimensions(picture.getWidth(), picture.getHeight());
    size.check(UNNAMED, ImageLimits.DEFAULT);
    try {
      return new Image(
          UNNAMED, size, SampleConverter.convert(picture.getRaster(), picture.getColorModel()));
    } catch (UnreadableImageException e) {
      throw new InputException(
          "The BufferedImage cannot be used: %s; draw it into one of TYPE_INT_RGB."
              .formatted(e.getMessage()),
          e);
    }
  }

  /**
   * Takes RGB pixels.
   *
   * @param rgb `[height, width, 3]`, copied
   * @param width columns
   * @param height rows
   * @return the picture
   * @throws InputException if a side is not positive or the array has another length
   */
  public static Image ofRgb(byte[] rgb, int width, int height) {
    Dimensions size = new Dimensions(width, height);
    size.check(UNNAMED, ImageLimits.DEFAULT);
    if (rgb.length != size.pixels() * 3) {
      throw new InputException(
          "The RGB array has %d bytes, expected %d for %s; pass width × height × 3 bytes."
              .formatted(rgb.length, size.pixels() * 3, size));
    }
    return new Image(UNNAMED, size, DecodedPixels.opaque(rgb.clone()));
  }

  /**
   * The picture's name for messages.
   *
   * @return the file name without its folder, or {@code image} if it did not come from a file
   */
  public String name() {
    return name;
  }

  /**
   * The width after orientation.
   *
   * @return columns, at least 1
   */
  public int width() {
    return width;
  }

  /**
   * The height after orientation.
   *
   * @return rows, at least 1
   */
  public int height() {
    return height;
  }

  /**
   * The pixels, without a copy.
   *
   * @return `[height, width, 3]` unsigned bytes, read-only
   */
  public MemorySegment pixels() {
    return MemorySegment.ofArray(rgb).asReadOnly();
  }

  /**
   * How the samples were stored, for transforms that do not convert them to RGB first.
   *
   * @return the mode
   */
  public StoredMode storedMode() {
    return storedMode;
  }

  /**
   * What the stored mode holds beside the RGB levels, without a copy.
   *
   * @return `[height, width, storedMode().bytesPerPixel()]`, read-only
   */
  public MemorySegment storedSamples() {
    return MemorySegment.ofArray(storedSamples).asReadOnly();
  }

  /**
   * Copies rows of pixels.
   *
   * @param firstRow the first row
   * @param rows how many
   * @param target receives `[rows, width, 3]`
   * @param offset where in {@code target} to begin
   * @throws IndexOutOfBoundsException if the rows or the target range do not exist
   */
  public void copyRows(int firstRow, int rows, byte[] target, int offset) {
    long stride = 3L * width;
    MemorySegment.copy(
        MemorySegment.ofArray(rgb),
        ValueLayout.JAVA_BYTE,
        firstRow * stride,
        target,
        offset,
        Math.toIntExact(rows * stride));
  }

  @Override
  public String toString() {
    return "%s (%d×%d)".formatted(name, width, height);
  }

  private static Image decode(byte[] encoded, String name, ImageLimits limits) {
    EncodedImage file = EncodedImage.parse(encoded, name);
    Dimensions stored = file.size();
    stored.check(name, limits);
    DecodedPixels pixels = ContainedDecoder.decode(file, name);
    Orientation orientation = file.orientation();
    StoredMode mode = pixels.mode();
    return new Image(
        name,
        orientation.apply(stored),
        new DecodedPixels(
            orientation.apply(pixels.rgb(), 3, stored),
            mode,
            orientation.apply(pixels.samples(), mode.bytesPerPixel(), stored)));
  }

  private static byte[] readBounded(InputStream in, String name, ImageLimits limits)
      throws IOException {
    int limit = Math.toIntExact(limits.maxBytes());
    byte[] bytes = in.readNBytes(limit);
    if (bytes.length == limit && in.read() >= 0) {
      throw tooManyBytes(name, limits);
    }
    return bytes;
  }

  private static InputException tooManyBytes(String name, ImageLimits limits) {
    return new InputException(
        "%s is longer than %d bytes; shrink the picture, or raise ImageLimits.maxBytes."
            .formatted(name, limits.maxBytes()));
  }
}
