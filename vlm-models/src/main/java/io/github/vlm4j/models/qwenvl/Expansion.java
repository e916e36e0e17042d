package io.github.vlm4j.models.qwenvl;

import io.github.vlm4j.core.InputException;
import io.github.vlm4j.core.model.PatchGrid;
import io.github.vlm4j.core.model.TokenPositions;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * A prompt with each placeholder replaced by as many as there are embeddings, and the positions
 * that follow from it: text advances all axes by one; a picture's embeddings share one time and
 * take their row and column; what follows goes on after the greatest position on any axis.
 * Reference: transformers, {@code models/qwen3_vl/modeling_qwen3_vl.py} and {@code
 * models/qwen2_5_vl/modeling_qwen2_5_vl.py}, {@code get_rope_index}. After a video of Qwen2-VL or
 * Qwen2.5-VL that lasts longer than its frames are large, transformers 5.18 goes on after the
 * longer side of a frame; here positions go on after the last time, as in the models' first
 * implementation (transformers 4.45 to 5.2) and as the reference itself does when it decodes.
 */
final class Expansion {

  private static final int LAST_TIME = 1 << 24;

  private final VisualTokens tokens;
  private final int mergeSize;
  private final IntStream.Builder ids = IntStream.builder();
  private final IntStream.Builder times = IntStream.builder();
  private final IntStream.Builder height = IntStream.builder();
  private final IntStream.Builder width = IntStream.builder();
  private int length;
  private int next;

  Expansion(VisualTokens tokens, int mergeSize) {
    this.tokens = tokens;
    this.mergeSize = mergeSize;
  }

  void addText(int id) {
    add(id, next, next, next);
    next++;
  }

  /** Adds a picture's placeholders and returns where they stand. */
  int[] addImage(PatchGrid grid) {
    int first = length;
    next += addFrame(tokens.image(), grid, 0);
    return IntStream.range(first, length).toArray();
  }

  /**
   * Adds a video's placeholders in one run and returns where they stand.
   *
   * @param step how many positions a temporal patch comes after the one before it; of a time only
   *     whole positions count
   * @throws InputException if the video is so slow that its last position is no number that a model
   *     could have
   */
  int[] addVideo(PatchGrid grid, float step) {
    if (!((grid.frames() - 1) * step <= LAST_TIME)) {
      throw new InputException(
          "The video's frames are so far apart that its last one has no position that the model"
              + " knows; give more frames per second.");
    }
    int first = length;
    int extent = 0;
    for (int frame = 0; frame < grid.frames(); frame++) {
      int time = (int) (frame * step);
      extent = Math.max(time + 1, addFrame(tokens.video(), grid, time));
    }
    next += extent;
    return IntStream.range(first, length).toArray();
  }

  /**
   * Adds a video's placeholders, each temporal patch with the time it was taken and between vision
   * marks of its own, and returns where they stand.
   */
  int[] addVideo(PatchGrid grid, List<Double> timestamps) {
    List<IntStream> rows = new ArrayList<>();
    for (double seconds : timestamps) {
      IntStream.of(tokens.timestamp(seconds)).forEach(this::addText);
      addText(tokens.visionStart());
      int first = length;
      next += addFrame(tokens.video(), grid, 0);
      rows.add(IntStream.range(first, length));
      addText(tokens.visionEnd());
    }
    return rows.stream().flatMapToInt(row -> row).toArray();
  }

  /** Adds the placeholders of one temporal patch and returns its longer side. */
  private int addFrame(int id, PatchGrid grid, int time) {
    int rows = grid.height() / mergeSize;
    int columns = grid.width() / mergeSize;
    for (int row = 0; row < rows; row++) {
      for (int column = 0; column < columns; column++) {
        add(id, next + time, next + row, next + column);
      }
    }
    return Math.max(rows, columns);
  }

  private void add(int id, int t, int h, int w) {
    ids.add(id);
    times.add(t);
    height.add(h);
    width.add(w);
    length++;
  }

  int[] ids() {
    return ids.build().toArray();
  }

  TokenPositions positions() {
    return new TokenPositions(
        times.build().toArray(), height.build().toArray(), width.build().toArray(), next);
  }
}
