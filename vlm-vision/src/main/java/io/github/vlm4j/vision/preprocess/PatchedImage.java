package io.github.vlm4j.vision.preprocess;

import io.github.vlm4j.core.model.PatchGrid;

/**
 * A picture or video cut into patches, ready for a vision encoder: the reference's {@code
 * pixel_values} and {@code image_grid_thw}.
 *
 * <p>Patches come in merge-block order: frame by frame, and within a frame block by block (rows of
 * blocks first), the {@code mergeSize²} patches of a block together, row by row. Within a patch the
 * order is channel, frame, row, column.
 */
public final class PatchedImage {

  private final PatchGrid grid;
  private final int patchLength;
  private final float[] values;

  PatchedImage(PatchGrid grid, int patchLength, float[] values) {
    this.grid = grid;
    this.patchLength = patchLength;
    this.values = values;
  }

  /**
   * The number of patches in time, height and width.
   *
   * @return the grid, before merging
   */
  public PatchGrid grid() {
    return grid;
  }

  /**
   * The length of a patch.
   *
   * @return channels × temporal patch size × patch size²
   */
  public int patchLength() {
    return patchLength;
  }

  /**
   * The normalised pixels, f32, `[grid.patches(), patchLength]`, as the array itself, not a copy: a
   * large picture takes hundreds of megabytes. Do not write to it.
   *
   * @return the values
   */
  public float[] values() {
    return values;
  }
}
