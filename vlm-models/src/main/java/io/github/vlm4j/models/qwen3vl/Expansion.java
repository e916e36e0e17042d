package io.github.vlm4j.models.qwen3vl;

import io.github.vlm4j.core.model.PatchGrid;
import io.github.vlm4j.core.model.TokenPositions;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * A prompt with each placeholder replaced by as many as there are embeddings, and the positions
 * that follow from it: text advances all axes by one; a picture's embeddings share one time and
 * take their row and column; what follows goes on after the longer side. Reference: transformers,
 * {@code models/qwen3_vl/modeling_qwen3_vl.py}, {@code get_rope_index}.
 */
final class Expansion {

  private final VisualTokens tokens;
  private final int mergeSize;
  private final IntStream.Builder ids = IntStream.builder();
  private final IntStream.Builder time = IntStream.builder();
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
    addFrame(tokens.image(), grid);
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
      addFrame(tokens.video(), grid);
      rows.add(IntStream.range(first, length));
      addText(tokens.visionEnd());
    }
    return rows.stream().flatMapToInt(row -> row).toArray();
  }

  private void addFrame(int id, PatchGrid grid) {
    int rows = grid.height() / mergeSize;
    int columns = grid.width() / mergeSize;
    for (int row = 0; row < rows; row++) {
      for (int column = 0; column < columns; column++) {
        add(id, next, next + row, next + column);
      }
    }
    next += Math.max(rows, columns);
  }

  private void add(int id, int t, int h, int w) {
    ids.add(id);
    time.add(t);
    height.add(h);
    width.add(w);
    length++;
  }

  int[] ids() {
    return ids.build().toArray();
  }

  TokenPositions positions() {
    return new TokenPositions(
        time.build().toArray(), height.build().toArray(), width.build().toArray(), next);
  }
}
