package io.github.vlm4j.backend.cpu.vector;

import io.github.vlm4j.backend.cpu.kernel.AttentionTask;
import io.github.vlm4j.backend.cpu.kernel.PanelLoops;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Attention of many queries, tile by tile with a running softmax (Dao et al., "FlashAttention",
 * 2022).
 *
 * <p>Vectors run along the queries: queries are transposed once into panels, keys and values are
 * broadcast, and maxima and sums over keys need no horizontal operation. A tile of keys and values
 * is used by all panels of a block before the next one is read. Values are transposed, so that both
 * are broadcast in the order in which they lie.
 *
 * <p>The scratch holds, for each panel, the queries {@code [headDim, width]}, the unscaled results
 * {@code [valueDim, width]}, the maxima and the sums {@code [width]}; then, for all panels, the
 * scores {@code [keys, width]}, the values {@code [valueDim, keys]} and the keys {@code [keys,
 * headDim]} of a tile, and its values as they lie, if they are not stored in f32. Value dimensions
 * are padded to a multiple of the tile's height.
 */
final class VectorAttention {

  private static final VectorSpecies<Float> F = Lanes.F32;
  private static final int L = Lanes.COUNT;
  private static final int WIDTH = Tile.WIDTH;
  private static final int HEIGHT = Tile.HEIGHT;

  /** The most panels of a block of queries, which stay in a second cache. */
  private static final int PANELS = Math.max(1, 640 / WIDTH);

  /**
   * The keys of a tile, a multiple of the micro-kernel's height and, for either height, of the
   * inner steps that it takes at once.
   */
  private static final int KEYS = 120 / HEIGHT * HEIGHT;

  private VectorAttention() {}

  static int queryTile() {
    return PANELS * WIDTH;
  }

  static int scratchFloats(int headDim, int valueDim) {
    int depth = padded(valueDim);
    return PANELS * panelFloats(headDim, depth) + KEYS * (WIDTH + depth + headDim + valueDim);
  }

  private static int padded(int valueDim) {
    return VectorMatMul.roundUp(valueDim, HEIGHT);
  }

  private static int panelFloats(int headDim, int depth) {
    return (headDim + depth + 2) * WIDTH;
  }

  static void attend(
      PanelLoops panels, AttentionTask task, int firstQuery, int lastQuery, float[] scratch) {
    for (int first = firstQuery; first < lastQuery; first += queryTile()) {
      attendBlock(panels, task, first, Math.min(lastQuery, first + queryTile()), scratch);
    }
  }

  private static void attendBlock(
      PanelLoops panels, AttentionTask task, int first, int last, float[] scratch) {
    int headDim = task.headDim;
    int depth = padded(task.valueDim);
    int panelFloats = panelFloats(headDim, depth);
    int scores = PANELS * panelFloats;
    int values = scores + KEYS * WIDTH;
    int keyTile = values + KEYS * depth;
    // Value dimensions beyond the last are summed too.
    Arrays.fill(scratch, values + task.valueDim * KEYS, values + depth * KEYS, 0);
    for (int q = first, at = 0; q < last; q += WIDTH, at += panelFloats) {
      begin(panels, task, q, Math.min(WIDTH, last - q), depth, scratch, at);
    }
    int seen = task.seen(last - 1);
    for (int key = task.first(first); key < seen; key += KEYS) {
      int keys = Math.min(KEYS, seen - key);
      copyKeys(task, key, keys, VectorMatMul.roundUp(keys, HEIGHT), scratch, keyTile);
      transposeValues(panels, task, key, keys, scratch, values, keyTile + KEYS * headDim);
      for (int q = first, at = 0; q < last; q += WIDTH, at += panelFloats) {
        int lastOfPanel = Math.min(q + WIDTH, last) - 1;
        int used = Math.min(keys, task.seen(lastOfPanel) - key);
        if (used > 0 && task.first(q) < key + used) {
          int rows = VectorMatMul.roundUp(used, HEIGHT);
          panels.multiply(scratch, keyTile, headDim, rows, scratch, at, headDim, scratch, scores);
          if (task.seen(q) < key + used) {
            hideLater(task, q, key, used, scratch, scores);
          }
          if (task.first(lastOfPanel) > key) {
            hideEarlier(task, q, key, used, scratch, scores);
          }
          int results = at + headDim * WIDTH;
          panels.soften(used, scratch, scores, scratch, results, depth);
          panels.add(scratch, values, KEYS, depth, scratch, scores, used, WIDTH, scratch, results);
        }
      }
    }
    for (int q = first, at = 0; q < last; q += WIDTH, at += panelFloats) {
      finish(panels, task, q, Math.min(WIDTH, last - q), depth, scratch, at + headDim * WIDTH);
    }
  }

  /** Transposes and scales the queries of a panel and clears what is summed. */
  private static void begin(
      PanelLoops panels,
      AttentionTask task,
      int query,
      int queries,
      int depth,
      float[] scratch,
      int at) {
    int headDim = task.headDim;
    Arrays.fill(scratch, at, at + (headDim + depth) * WIDTH, 0);
    int from = task.qAt + query * task.qStride;
    panels.transpose(task.q, from, task.qStride, queries, headDim, scratch, at, WIDTH);
    VectorElements.scale(scratch, at, headDim * WIDTH, task.scale);
    int maxima = at + (headDim + depth) * WIDTH;
    Arrays.fill(scratch, maxima, maxima + WIDTH, Float.NEGATIVE_INFINITY);
    Arrays.fill(scratch, maxima + WIDTH, maxima + 2 * WIDTH, 0);
  }

  /**
   * Copies keys next to each other and pads them with zeros. Where they lie, the rows of a head are
   * often a multiple of 4 KiB apart and would compete for the same lines of the cache.
   */
  private static void copyKeys(
      AttentionTask task, int key, int keys, int rows, float[] scratch, int at) {
    int n = task.headDim;
    if (task.storedK != null) {
      Weights.read(task.storedK, task.storedAt + key, 0, keys * n, scratch, at);
    }
    for (int j = 0; j < keys && task.storedK == null; j++) {
      System.arraycopy(task.k, task.kAt + (key + j) * task.kStride, scratch, at + j * n, n);
    }
    Arrays.fill(scratch, at + keys * n, at + rows * n, 0);
  }

  private static void transposeValues(
      PanelLoops panels,
      AttentionTask task,
      int key,
      int keys,
      float[] scratch,
      int to,
      int decoded) {
    int n = task.valueDim;
    if (task.storedV != null) {
      Weights.read(task.storedV, task.storedAt + key, 0, keys * n, scratch, decoded);
      panels.transpose(scratch, decoded, n, keys, n, scratch, to, KEYS);
    } else {
      int from = task.vAt + key * task.vStride;
      panels.transpose(task.v, from, task.vStride, keys, n, scratch, to, KEYS);
    }
  }

  /** Sets the scores of keys that a query does not see yet to -∞. */
  private static void hideLater(
      AttentionTask task, int query, int key, int keys, float[] scratch, int scores) {
    for (int j = Math.max(0, task.visible + query + 1 - key); j < keys; j++) {
      // Query i sees the key if visible + i >= key.
      int blind = Math.clamp((long) key + j - task.visible - query, 0, WIDTH);
      int at = scores + j * WIDTH;
      Arrays.fill(scratch, at, at + blind, Float.NEGATIVE_INFINITY);
    }
  }

  /** Sets the scores of keys before a query's window to -∞. */
  private static void hideEarlier(
      AttentionTask task, int query, int key, int keys, float[] scratch, int scores) {
    for (int j = 0; j < keys; j++) {
      // Query i sees the key if visible + i - window < key.
      int sees = Math.clamp((long) key + j + task.window - task.visible - query, 0, WIDTH);
      int at = scores + j * WIDTH;
      Arrays.fill(scratch, at + sees, at + WIDTH, Float.NEGATIVE_INFINITY);
    }
  }

  /** Divides by the sums and writes the results; queries that saw no key get zeros. */
  private static void finish(
      PanelLoops panels,
      AttentionTask task,
      int query,
      int queries,
      int depth,
      float[] scratch,
      int results) {
    int sums = results + (depth + 1) * WIDTH;
    for (int lane = 0; lane < WIDTH; lane += L) {
      FloatVector sum = FloatVector.fromArray(F, scratch, sums + lane);
      FloatVector factor =
          FloatVector.broadcast(F, 1f).div(sum).blend(0f, sum.compare(VectorOperators.EQ, 0f));
      for (int d = 0; d < task.valueDim; d++) {
        int at = results + lane + d * WIDTH;
        FloatVector.fromArray(F, scratch, at).mul(factor).intoArray(scratch, at);
      }
    }
    for (int i = 0; i < queries; i++) {
      task.writeStats(query + i, scratch[sums - WIDTH + i], scratch[sums + i]);
    }
    int to = task.outAt + query * task.outStride;
    panels.transpose(scratch, results, WIDTH, task.valueDim, queries, task.out, to, task.outStride);
  }
}
