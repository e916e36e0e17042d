package io.github.vlm4j.vision.encoder;

import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.model.PatchGrid;
import io.github.vlm4j.core.tensor.Tensor;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The order in which the blocks compute a grid's patches. Where attention stays within windows,
 * those of one window stand together: window by window, row by row, cut off at the right and at the
 * bottom; a window moves whole merge blocks, so that patches of one embedding stay neighbours.
 * Reference: transformers, {@code vision_utils.py}, {@code get_vision_window_index}.
 */
final class WindowOrder {

  private final int[] order;
  private final List<Integer> frames;
  private final List<Integer> windows;
  private final boolean moves;

  private WindowOrder(int[] order, List<Integer> frames, List<Integer> windows) {
    this.order = order;
    this.frames = frames;
    this.windows = windows;
    moves = IntStream.range(0, order.length).anyMatch(i -> order[i] != i);
  }

  /** Returns the patches' own order: rows see all of their temporal patch. */
  static WindowOrder none(PatchGrid grid) {
    List<Integer> frames = frames(grid);
    return new WindowOrder(IntStream.range(0, grid.patches()).toArray(), frames, frames);
  }

  /**
   * Returns the order by windows.
   *
   * @param mergeSize the side of a merge block in patches; it divides the grid's height and width
   * @param side the side of a window in merge blocks
   */
  static WindowOrder of(PatchGrid grid, int mergeSize, int side) {
    int rows = grid.height() / mergeSize;
    int columns = grid.width() / mergeSize;
    int unit = mergeSize * mergeSize;
    int[] order = new int[grid.patches()];
    List<Integer> windows = new ArrayList<>();
    int at = 0;
    for (int frame = 0; frame < grid.frames(); frame++) {
      for (int top = 0; top < rows; top += side) {
        for (int left = 0; left < columns; left += side) {
          int first = at;
          for (int row = top; row < Math.min(top + side, rows); row++) {
            for (int column = left; column < Math.min(left + side, columns); column++) {
              int patch = ((frame * rows + row) * columns + column) * unit;
              for (int inner = 0; inner < unit; inner++) {
                order[at++] = patch + inner;
              }
            }
          }
          windows.add(at - first);
        }
      }
    }
    return new WindowOrder(order, frames(grid), windows);
  }

  private static List<Integer> frames(PatchGrid grid) {
    return Collections.nCopies(grid.frames(), grid.height() * grid.width());
  }

  /** Returns the runs of rows that see each other in a block, in this order. */
  List<Integer> segments(boolean wholeFrames) {
    return wholeFrames ? frames : windows;
  }

  /** Returns for each row which patch it is. */
  int[] patches() {
    return order.clone();
  }

  /** Brings rows from the patches' order into this one. */
  Value arrange(GraphBuilder g, Value x) {
    return moves ? g.gather(x, ids(g, order)) : x;
  }

  /** Brings rows from this order back into the patches'. */
  Value restore(GraphBuilder g, Value x) {
    if (!moves) {
      return x;
    }
    int[] back = new int[order.length];
    for (int i = 0; i < order.length; i++) {
      back[order[i]] = i;
    }
    return g.gather(x, ids(g, back));
  }

  private static Value ids(GraphBuilder g, int[] rows) {
    return g.constant(Tensor.ofInts(rows, rows.length));
  }
}
