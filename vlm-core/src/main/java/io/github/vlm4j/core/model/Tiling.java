package io.github.vlm4j.core.model;

/**
 * How the tiles of a picture lie side by side. An encoder for pictures of one size reads a small
 * copy of the whole and then the tiles, row by row, each as a frame. The picture is in the middle
 * of them; around it there may be padding.
 *
 * @param rows tiles from top to bottom
 * @param columns tiles from left to right
 * @param height rows of patches, of all tiles together, that show the picture
 * @param width columns of patches, of all tiles together, that show the picture
 */
public record Tiling(int rows, int columns, int height, int width) {

  /** Checks that there is a tile. */
  public Tiling {
    if (rows < 1 || columns < 1 || height < 0 || width < 0) {
      throw new IllegalArgumentException(
          rows + "×" + columns + " tiles that show " + height + "×" + width + " patches");
    }
  }

  /** Returns the number of tiles. */
  public int tiles() {
    return rows * columns;
  }
}
