package io.github.vlm4j.vision.preprocess;

import io.github.vlm4j.core.checkpoint.ConfigNode;
import java.util.ArrayList;
import java.util.List;

/**
 * The sizes that a picture may be fitted into before it is cut into tiles ("anyres", LLaVA-NeXT,
 * Liu et al., 2024). Reference: transformers, {@code image_processing_utils.py}, {@code
 * select_best_resolution}.
 *
 * @param sizes in the order of preference between equals
 */
public record TileSizes(List<Size> sizes) {

  /**
   * A size in pixels.
   *
   * @param height rows
   * @param width columns
   */
  public record Size(int height, int width) {}

  private static final String FIELD = "image_grid_pinpoints";
  private static final int MAX_SIZES = 1000;
  private static final int MAX_SIDE = 1 << 12;

  /** As many tiles as this are more tokens than any context has. */
  private static final int MAX_TILES = 144;

  private static final List<Size> DEFAULT =
      List.of(
          new Size(336, 672),
          new Size(672, 336),
          new Size(672, 672),
          new Size(1008, 336),
          new Size(336, 1008));

  /** Keeps an immutable copy; there must be a size. */
  public TileSizes {
    sizes = List.copyOf(sizes);
    if (sizes.isEmpty()) {
      throw new IllegalArgumentException("No sizes");
    }
  }

  /**
   * Reads {@code image_grid_pinpoints}, pairs of height and width.
   *
   * @param node the object that has it, or leaves it at the reference's default
   * @param side of a tile, in pixels
   * @throws io.github.vlm4j.core.CheckpointException if it is no such list, or sizes are no
   *     multiples of the side
   */
  public static TileSizes read(ConfigNode node, int side) {
    List<Size> sizes = new ArrayList<>(DEFAULT);
    if (node.has(FIELD)) {
      sizes.clear();
      for (int[] pair : node.intLists(FIELD)) {
        if (pair.length != 2) {
          throw node.invalid(FIELD, "a list of pairs of height and width");
        }
        sizes.add(new Size(pair[0], pair[1]));
      }
    }
    if (sizes.isEmpty()
        || sizes.size() > MAX_SIZES
        || !sizes.stream().allMatch(size -> isTiled(size, side))) {
      throw node.invalid(
          FIELD,
          "1 to %d pairs of height and width, each a multiple of the encoder's image_size %d and"
                  .formatted(MAX_SIZES, side)
              + " of at most %d tiles in all".formatted(MAX_TILES));
    }
    return new TileSizes(sizes);
  }

  private static boolean isTiled(Size size, int side) {
    return Math.min(size.height, size.width) > 0
        && Math.max(size.height, size.width) <= MAX_SIDE
        && size.height % side == 0
        && size.width % side == 0
        && (size.height / side) * (size.width / side) <= MAX_TILES;
  }

  /** Returns the size that keeps most of a picture, and of several the one with least padding. */
  public Size best(int height, int width) {
    Size best = sizes.getFirst();
    long mostKept = 0;
    long leastWasted = Long.MAX_VALUE;
    for (Size size : sizes) {
      double scale = Math.min((double) size.width / width, (double) size.height / height);
      long scaled = (long) (int) (width * scale) * (int) (height * scale);
      long kept = Math.min(scaled, (long) width * height);
      long wasted = (long) size.width * size.height - kept;
      if (kept > mostKept || kept == mostKept && wasted < leastWasted) {
        mostKept = kept;
        leastWasted = wasted;
        best = size;
      }
    }
    return best;
  }
}
