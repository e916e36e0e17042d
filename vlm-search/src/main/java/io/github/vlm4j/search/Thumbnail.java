package io.github.vlm4j.search;

import io.github.vlm4j.core.VlmException;
import io.github.vlm4j.vision.image.Image;
import io.github.vlm4j.vision.preprocess.ResampleFilter;
import io.github.vlm4j.vision.preprocess.Resampler;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Optional;
import javax.imageio.ImageIO;
import javax.imageio.stream.MemoryCacheImageOutputStream;

/** A small copy of a picture for a page. */
final class Thumbnail {

  private static final int MAX_SIDE = 448;
  private static final int CHANNELS = 3;

  private Thumbnail() {}

  /** Returns it as a JPEG in a data: URI; empty if the file is no picture any more. */
  static Optional<String> dataUri(Path file) throws IOException {
    Image image;
    try {
      image = Image.of(file);
    } catch (VlmException _) {
      return Optional.empty();
    }
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (MemoryCacheImageOutputStream out = new MemoryCacheImageOutputStream(bytes)) {
      if (!ImageIO.write(shrink(image), "jpeg", out)) {
        throw new IOException("there is no JPEG writer");
      }
    }
    return Optional.of(
        "data:image/jpeg;base64," + Base64.getEncoder().encodeToString(bytes.toByteArray()));
  }

  private static BufferedImage shrink(Image image) {
    double scale = Math.min(1, (double) MAX_SIDE / Math.max(image.width(), image.height()));
    int width = (int) Math.max(1, Math.round(scale * image.width()));
    int height = (int) Math.max(1, Math.round(scale * image.height()));
    byte[] rgb =
        new Resampler(
                image.width(),
                image.height(),
                width,
                height,
                ResampleFilter.BILINEAR,
                Resampler.Arithmetic.PILLOW)
            .resize(image);
    BufferedImage small = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
    for (int i = 0; i < width * height; i++) {
      int at = CHANNELS * i;
      small.setRGB(
          i % width,
          i / width,
          (rgb[at] & 255) << 16 | (rgb[at + 1] & 255) << 8 | (rgb[at + 2] & 255));
    }
    return small;
  }
}
