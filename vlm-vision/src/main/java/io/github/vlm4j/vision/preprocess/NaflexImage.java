package io.github.vlm4j.vision.preprocess;

/**
 * A picture of any aspect ratio cut into patches: the reference's {@code pixel_values} and {@code
 * spatial_shapes} without the rows that it pads with.
 */
public final class NaflexImage {

  private final float[] patches;
  private final int height;
  private final int width;

  NaflexImage(float[] patches, int height, int width) {
    this.patches = patches;
    this.height = height;
    this.width = width;
  }

  /**
   * The patches, row by row, as the array itself, not a copy. Do not write to it.
   *
   * @return f32, `[height · width, patchSize · patchSize · 3]`, inside a patch row, column, channel
   */
  public float[] patches() {
    return patches;
  }

  /**
   * The number of rows of patches.
   *
   * @return at least 1
   */
  public int height() {
    return height;
  }

  /**
   * The number of columns of patches.
   *
   * @return at least 1
   */
  public int width() {
    return width;
  }
}
