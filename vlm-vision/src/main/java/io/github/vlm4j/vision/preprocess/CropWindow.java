package io.github.vlm4j.vision.preprocess;

/**
 * A part of a picture.
 *
 * @param left its first column
 * @param top its first row
 * @param width columns, at least 1
 * @param height rows, at least 1
 */
record CropWindow(int left, int top, int width, int height) {

  static CropWindow whole(int width, int height) {
    return new CropWindow(0, 0, width, height);
  }
}
