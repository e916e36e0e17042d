package io.github.vlm4j.vision.image;

import io.github.vlm4j.core.InputException;

/** A picture's stored width and height, unchecked until {@link #check}. */
record Dimensions(int width, int height) {

  long pixels() {
    return (long) width * height;
  }

  Dimensions transposed() {
    return new Dimensions(/* width= */ height, /* height= */ width);
  }

  void check(String name, ImageLimits limits) {
    if (width < 1 || height < 1) {
      throw new InputException(
          "%s is %s pixels, expected at least 1×1; the file is damaged or empty, export it again."
              .formatted(name, this));
    }
    if (pixels() > limits.maxPixels()) {
      throw new InputException(
          "%s is %s = %d pixels, over the limit of %d; shrink it, or raise ImageLimits.maxPixels."
              .formatted(name, this, pixels(), limits.maxPixels()));
    }
  }

  @Override
  public String toString() {
    return width + "×" + height;
  }
}
