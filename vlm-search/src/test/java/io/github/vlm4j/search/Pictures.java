package io.github.vlm4j.search;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import javax.imageio.ImageIO;

/** Picture files of one colour. */
final class Pictures {

  private static final int SIDE = 4;

  private Pictures() {}

  static Path write(Path file, int colour) {
    BufferedImage picture = new BufferedImage(SIDE, SIDE, BufferedImage.TYPE_INT_RGB);
    for (int i = 0; i < SIDE * SIDE; i++) {
      picture.setRGB(i % SIDE, i / SIDE, colour);
    }
    try {
      Files.createDirectories(file.getParent());
      ImageIO.write(picture, "png", file.toFile());
      return file;
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }

  static Path writeBroken(Path file) {
    try {
      return Files.writeString(file, "words");
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }

  /** As if the file had been written so many seconds later. */
  static void touch(Path file, int seconds) {
    try {
      FileTime time = Files.getLastModifiedTime(file);
      Files.setLastModifiedTime(file, FileTime.from(time.toInstant().plusSeconds(seconds)));
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }
}
