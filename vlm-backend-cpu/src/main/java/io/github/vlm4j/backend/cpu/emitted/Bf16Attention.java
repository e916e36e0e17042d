package io.github.vlm4j.backend.cpu.emitted;

import io.github.vlm4j.backend.cpu.kernel.AttentionLoops;
import io.github.vlm4j.backend.cpu.kernel.AttentionTask;
import io.github.vlm4j.backend.cpu.kernel.ElementLoops;
import io.github.vlm4j.backend.cpu.kernel.Matrix;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Attention of many queries, tile by tile with a running softmax (Dao et al., "FlashAttention",
 * 2022), whose products are those of {@link Bf16Products}: queries, keys, values and exponentials
 * are rounded to bf16, or to two parts like {@link SplitNumbers}; scores, sums and results are f32.
 * Few queries are left to other loops, which compute in f32.
 *
 * <p>Queries are the inputs of the first product and keys its weights; exponentials are the inputs
 * of the second and values its weights. Both are laid out as panels once for a block of queries.
 */
final class Bf16Attention implements AttentionLoops {

  /** Fewer queries are bound by reading keys. */
  private static final int LEAST_QUERIES = 16;

  /** The queries whose scores of a tile are held at once, at most. */
  private static final int MOST_ROWS = 64;

  /** The blocks of queries for which keys and values are laid out once. */
  private static final int ROW_BLOCKS = 18;

  /** The keys of a tile, a multiple of a panel's width. */
  private static final int KEYS = 256;

  private static final int LANES = PanelLayout.LANES;
  private static final float LOG2_E = 1.442695f;

  private final AttentionLoops few;
  private final ElementLoops decoder;
  private final Bf16Functions functions;
  private final Bf16AttentionFunctions attention;
  private final Bf16Products products;
  private final PanelLayout panels;
  private final int mostRows;
  private final int mostQueries;

  /**
   * Creates loops.
   *
   * @param few what attends few queries
   * @param decoder what decodes keys and values that are not f32
   */
  Bf16Attention(
      AttentionLoops few,
      ElementLoops decoder,
      Bf16Functions functions,
      Bf16AttentionFunctions attention,
      Bf16Products products) {
    this.few = few;
    this.decoder = decoder;
    this.functions = functions;
    this.attention = attention;
    this.products = products;
    this.panels = functions.layout();
    this.mostRows = MOST_ROWS / products.rows() * products.rows();
    this.mostQueries = ROW_BLOCKS * mostRows;
  }

  @Override
  public int queryTile() {
    return mostQueries;
  }

  @Override
  public int attendScratch(int headDim, int valueDim) {
    return Math.max(few.attendScratch(headDim, valueDim), layout(0, headDim, valueDim).size());
  }

  private Layout layout(int at, int headDim, int valueDim) {
    return new Layout(at, panels, mostRows, mostQueries, headDim, valueDim);
  }

  /**
   * Where things lie in the scratch, in floats: zeros; queries, results, maxima and sums of a
   * block; keys and values of a tile, decoded, rounded and as panels; scores and exponentials.
   *
   * @param zeros where zeros begin, which come first
   * @param panels how keys and values lie
   * @param mostRows the queries whose scores are held at once
   * @param mostQueries the queries of a block
   * @param headDim the length of a query
   * @param valueDim the length of a value
   */
  private record Layout(
      int zeros, PanelLayout panels, int mostRows, int mostQueries, int headDim, int valueDim) {

    /** The floats that a query or a key takes, rounded and padded. */
    int headFloats() {
      return panels.parts() * PanelLayout.wholeBlocks(headDim) / 2;
    }

    /** The floats of a row of exponentials. */
    int exponentialFloats() {
      return panels.parts() * KEYS / 2;
    }

    /** The floats of a row of results. */
    int resultFloats() {
      return Math.ceilDiv(valueDim, LANES) * LANES;
    }

    int keyPanelFloats() {
      return panels.floats(headDim);
    }

    int valuePanelFloats() {
      return panels.floats(KEYS);
    }

    int queries() {
      return zeros + Math.max(panels.width(), resultFloats());
    }

    int results() {
      return queries() + mostQueries * headFloats();
    }

    int maxima() {
      return results() + mostQueries * resultFloats();
    }

    int sums() {
      return maxima() + mostQueries;
    }

    int keys() {
      return sums() + mostQueries;
    }

    int keyPanels() {
      return keys() + KEYS * headFloats();
    }

    int valuePanels() {
      return keyPanels() + KEYS / panels.width() * keyPanelFloats();
    }

    int scores() {
      return valuePanels() + Math.ceilDiv(valueDim, panels.width()) * valuePanelFloats();
    }

    int exponentials() {
      return scores() + mostRows * KEYS;
    }

    int decoded() {
      return exponentials() + mostRows * exponentialFloats();
    }

    int size() {
      return decoded() + KEYS * Math.max(headDim, valueDim) + CacheLines.MOST_SKIPPED;
    }
  }

  @Override
  public void attend(AttentionTask task, int firstQuery, int lastQuery, float[] scratch) {
    boolean many =
        lastQuery - firstQuery >= LEAST_QUERIES && task.scale > 0 && task.stats.length == 0;
    if (!many) {
      few.attend(task, firstQuery, lastQuery, scratch);
      return;
    }
    Layout at = layout(functions.lines().next(scratch, 0), task.headDim, task.valueDim);
    for (int first = firstQuery; first < lastQuery; first += mostQueries) {
      attendBlock(task, at, first, Math.min(lastQuery, first + mostQueries), scratch);
    }
  }

  private void attendBlock(AttentionTask task, Layout at, int first, int last, float[] scratch) {
    begin(task, at, first, last - first, scratch);
    int seen = task.seen(last - 1);
    for (int key = task.first(first); key < seen; key += KEYS) {
      int keys = Math.min(KEYS, seen - key);
      packKeys(task, at, key, keys, scratch);
      packValues(task, at, key, keys, scratch);
      for (int query = first; query < last; query += mostRows) {
        int rows = Math.min(mostRows, last - query);
        int visible = Math.min(keys, task.seen(query + rows - 1) - key);
        if (visible > 0 && task.first(query) < key + keys) {
          attendTile(task, at, query, rows, query - first, key, visible, scratch);
        }
      }
    }
    finish(task, at, first, last - first, scratch);
  }

  /** Rounds the queries of a block and clears what is summed. */
  private void begin(AttentionTask task, Layout at, int query, int queries, float[] scratch) {
    Arrays.fill(scratch, at.zeros(), at.queries(), 0);
    roundRows(
        task.q,
        task.qAt + query * task.qStride,
        task.qStride,
        task.headDim,
        queries,
        scratch,
        at.queries(),
        at.headFloats());
    Arrays.fill(scratch, at.results(), at.maxima(), 0);
    Arrays.fill(scratch, at.maxima(), at.sums(), Float.NEGATIVE_INFINITY);
    Arrays.fill(scratch, at.sums(), at.keys(), 0);
  }

  private void roundRows(
      float[] x, int xAt, int stride, int columns, int rows, float[] scratch, int to, int floats) {
    functions.round(
        Calls.slice(x, xAt, (rows - 1L) * stride + columns),
        (long) Float.BYTES * stride,
        Calls.slice(scratch, to, (long) rows * floats),
        (long) Float.BYTES * floats,
        columns,
        rows);
  }

  private void packKeys(AttentionTask task, Layout at, int key, int keys, float[] scratch) {
    int n = task.headDim;
    Matrix stored = task.storedK;
    if (stored == null) {
      int from = task.kAt + key * task.kStride;
      roundRows(task.k, from, task.kStride, n, keys, scratch, at.keys(), at.headFloats());
    } else {
      decoder.decodeRows(stored, task.storedAt + key, keys, scratch, at.decoded());
      roundRows(scratch, at.decoded(), n, n, keys, scratch, at.keys(), at.headFloats());
    }
    // Rows after the last key hold anything, and their scores are not computed.
    for (int i = 0; i < keys; i += LANES) {
      functions.pack(
          Calls.slice(scratch, at.keys() + i * at.headFloats(), (long) LANES * at.headFloats()),
          (long) Float.BYTES * at.headFloats(),
          n,
          scratch,
          at.keyPanels() + panels.groupAt(i, at.keyPanelFloats()));
    }
  }

  private void packValues(AttentionTask task, Layout at, int key, int keys, float[] scratch) {
    int n = task.valueDim;
    float[] x = task.v;
    int from = task.vAt + key * task.vStride;
    int stride = task.vStride;
    Matrix stored = task.storedV;
    if (stored != null) {
      decoder.decodeRows(stored, task.storedAt + key, keys, scratch, at.decoded());
      x = scratch;
      from = at.decoded();
      stride = n;
    }
    MemorySegment values = Calls.slice(x, from, (keys - 1L) * stride + n);
    int to = at.valuePanels();
    for (int first = 0; first < keys; first += PanelLayout.BLOCK) {
      int count = Math.min(PanelLayout.BLOCK, keys - first);
      for (int i = 0; i < n; i += LANES) {
        int lanes = Math.min(LANES, n - i);
        MemorySegment group = values.asSlice((long) Float.BYTES * i);
        int groupAt = to + panels.groupAt(i, at.valuePanelFloats());
        packValueBlock(at, group, stride, first, count, lanes, scratch, groupAt);
      }
      to += panels.block();
    }
  }

  /** Lays out a group's values of some keys; behind them come zeros to the end of the block. */
  private void packValueBlock(
      Layout at,
      MemorySegment group,
      int stride,
      int first,
      int count,
      int lanes,
      float[] scratch,
      int to) {
    long bytes = (long) Float.BYTES * stride;
    long pairBytes = (long) Float.BYTES * panels.pair();
    MemorySegment even = group.asSlice(bytes * first);
    int lastPart = (panels.parts() - 1) * panels.part();
    MemorySegment pairs = Calls.slice(scratch, to, lastPart + (LANES - 1L) * panels.pair() + LANES);
    int twos = count / 2;
    if (twos > 0) {
      attention.interleave(even, even.asSlice(bytes), 2 * bytes, pairs, pairBytes, twos, lanes);
    }
    int pair = twos;
    if (count % 2 == 1) {
      MemorySegment zeros = Calls.slice(scratch, at.zeros(), LANES);
      attention.interleave(
          even.asSlice(2 * bytes * twos), zeros, 0, pairs.asSlice(pairBytes * pair), 0, 1, lanes);
      pair++;
    }
    for (; pair < LANES; pair++) {
      for (int part = 0; part <= lastPart; part += panels.part()) {
        int row = to + part + pair * panels.pair();
        Arrays.fill(scratch, row, row + LANES, 0);
      }
    }
  }

  /** Attends some queries to the keys of a tile. */
  private void attendTile(
      AttentionTask task,
      Layout at,
      int query,
      int rows,
      int row,
      int key,
      int keys,
      float[] scratch) {
    int keyPanels = Math.ceilDiv(keys, panels.width());
    products.score(
        Calls.slice(scratch, at.queries() + row * at.headFloats(), (long) rows * at.headFloats()),
        (long) Float.BYTES * at.headFloats(),
        Calls.slice(scratch, at.keyPanels(), (long) keyPanels * at.keyPanelFloats()),
        (long) Float.BYTES * at.keyPanelFloats(),
        Calls.slice(scratch, at.zeros(), panels.width()),
        Calls.slice(scratch, at.scores(), (long) rows * KEYS),
        (long) Float.BYTES * KEYS,
        task.headDim,
        rows,
        keys);
    int whole = PanelLayout.wholeBlocks(keys);
    hide(task, query, rows, key, keys, whole, scratch, at.scores());
    int results = at.results() + row * at.resultFloats();
    attention.soften(
        Calls.slice(scratch, at.scores(), (long) rows * KEYS),
        (long) Float.BYTES * KEYS,
        Calls.slice(scratch, at.exponentials(), (long) rows * at.exponentialFloats()),
        (long) Float.BYTES * at.exponentialFloats(),
        whole / PanelLayout.BLOCK,
        Calls.slice(scratch, at.maxima() + row, rows),
        Calls.slice(scratch, at.sums() + row, rows),
        Calls.slice(scratch, results, (long) rows * at.resultFloats()),
        (long) Float.BYTES * at.resultFloats(),
        at.resultFloats() / LANES,
        rows,
        task.scale * LOG2_E);
    MemorySegment sums = Calls.slice(scratch, results, (long) rows * at.resultFloats());
    products.multiply(
        Calls.slice(scratch, at.exponentials(), (long) rows * at.exponentialFloats()),
        (long) Float.BYTES * at.exponentialFloats(),
        1,
        0,
        Calls.slice(
            scratch,
            at.valuePanels(),
            (long) Math.ceilDiv(task.valueDim, panels.width()) * at.valuePanelFloats()),
        (long) Float.BYTES * at.valuePanelFloats(),
        sums,
        (long) Float.BYTES * at.resultFloats(),
        (long) Float.BYTES * panels.width(),
        sums,
        (long) Float.BYTES * at.resultFloats(),
        keys,
        rows,
        task.valueDim);
  }

  /** Sets the scores of keys that a query does not see, and of those after the last, to -∞. */
  private static void hide(
      AttentionTask task,
      int query,
      int rows,
      int key,
      int keys,
      int whole,
      float[] scratch,
      int scores) {
    if (!task.causal && keys == whole) {
      return;
    }
    for (int i = 0; i < rows; i++) {
      int at = scores + i * KEYS;
      int from = Math.clamp((long) task.first(query + i) - key, 0, whole);
      int to = Math.clamp((long) task.seen(query + i) - key, 0, keys);
      Arrays.fill(scratch, at, at + from, Float.NEGATIVE_INFINITY);
      Arrays.fill(scratch, at + to, at + whole, Float.NEGATIVE_INFINITY);
    }
  }

  /** Divides by the sums and writes the results. */
  private void finish(AttentionTask task, Layout at, int query, int queries, float[] scratch) {
    attention.divide(
        Calls.slice(scratch, at.results(), (long) queries * at.resultFloats()),
        (long) Float.BYTES * at.resultFloats(),
        Calls.slice(scratch, at.sums(), queries),
        Calls.slice(
            task.out,
            task.outAt + (long) query * task.outStride,
            (queries - 1L) * task.outStride + task.valueDim),
        (long) Float.BYTES * task.outStride,
        task.valueDim,
        queries);
  }
}
