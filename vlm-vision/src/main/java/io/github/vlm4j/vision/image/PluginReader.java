package io.github.vlm4j.vision.image;

import java.awt.image.BufferedImage;
import java.awt.image.Raster;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.Iterator;
import javax.imageio.ImageIO;
import javax.imageio.ImageReadParam;
import javax.imageio.ImageReader;
import javax.imageio.stream.ImageInputStream;
import javax.imageio.stream.MemoryCacheImageInputStream;

/**
 * Decodes with an ImageIO plugin, in memory only (ImageIO's disk cache is not used) and with
 * metadata ignored, because metadata is where most plugins are strict or slow.
 */
final class PluginReader {

  private PluginReader() {}

  /** Decodes the first picture with the JDK's own reader for a format. */
  static BufferedImage read(String format, Bytes file, Dimensions expected) throws IOException {
    ImageReader reader = jdkReader(format);
    return read(reader, file, expected);
  }

  /** Decodes the first picture with a given reader, which is disposed of. */
  static BufferedImage read(ImageReader reader, Bytes file, Dimensions expected)
      throws IOException {
    try (ImageInputStream in =
        new MemoryCacheImageInputStream(
            new ByteArrayInputStream(file.array(), file.start(), file.length()))) {
      reader.setInput(in, true, true);
      check(reader, expected);
      return reader.read(0, new ImageReadParam());
    } finally {
      reader.dispose();
    }
  }

  /** Decodes the first picture with the JDK's reader, without its colour conversion. */
  static Raster readRaster(String format, Bytes file, Dimensions expected) throws IOException {
    ImageReader reader = jdkReader(format);
    try (ImageInputStream in =
        new MemoryCacheImageInputStream(
            new ByteArrayInputStream(file.array(), file.start(), file.length()))) {
      reader.setInput(in, true, true);
      check(reader, expected);
      return reader.readRaster(0, new ImageReadParam());
    } finally {
      reader.dispose();
    }
  }

  /**
   * The limits were checked against our reading of the header, so the plugin's must be the same.
   */
  private static void check(ImageReader reader, Dimensions expected) throws IOException {
    if (reader.getWidth(0) != expected.width() || reader.getHeight(0) != expected.height()) {
      throw new UnreadableImageException("its headers contradict each other about the size");
    }
  }

  /** Plugins that a host application has installed must not change what a model sees. */
  private static ImageReader jdkReader(String format) throws IOException {
    Iterator<ImageReader> readers = ImageIO.getImageReadersByFormatName(format);
    while (readers.hasNext()) {
      ImageReader reader = readers.next();
      if (reader.getClass().getModule() == ImageIO.class.getModule()) {
        return reader;
      }
    }
    throw new IOException("this Java runtime has no " + format + " reader; use a complete JDK");
  }
}
