package io.github.vlm4j.backend.cpu.emitted;

import io.github.vlm4j.backend.cpu.kernel.AttentionLoops;
import io.github.vlm4j.backend.cpu.kernel.AttentionTask;
import io.github.vlm4j.backend.cpu.kernel.Kernels;
import io.github.vlm4j.backend.cpu.kernel.Matrix;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Attention of many queries, tile by tile with a running softmax (Dao et al., "FlashAttention",
 * 2022), whose products are those of {@link Bf16Code}: queries, keys, values and exponentials are
 * rounded to bf16, scores, sums and results are f32. Few queries are left to other loops, which
 * compute in f32.
 *
 * <p>Queries are the inputs of the first product and keys its weights; exponentials are the inputs
 * of the second and values its weights. Both are laid out as panels once for a block of queries.
 */
final class Bf16Attention implements AttentionLoops {

  /** Fewer queries are bound by reading keys. */
  private static final int LEAST_QUERIES = 16;

  /** The queries whose scores of a tile are held at once, a multiple of the product's rows. */
  private static final int ROWS = 8 * Bf16Code.ROWS;

  /** The most queries of a block, for which keys and values are laid out once. */
  private static final int QUERIES = 10 * ROWS;

  /** The keys of a tile, a multiple of a panel's width. */
  private static final int KEYS = 4 * Bf16Code.WIDTH;

  private static final int WIDTH = Bf16Code.WIDTH;
  private static final int LANES = Bf16Code.LANES;
  private static final float LOG2_E = 1.442695f;

  private final Kernels few;
  private final Bf16Functions functions;

  /**
   * Creates loops.
   *
   * @param few what attends few queries, and decodes keys and values that are not f32
   */
  Bf16Attention(Kernels few, Bf16Functions functions) {
    this.few = few;
    this.functions = functions;
  }

  @Override
  public int queryTile() {
    return QUERIES;
  }

  @Override
  public int attendScratch(int headDim, int valueDim) {
    return Math.max(few.attendScratch(headDim, valueDim), new Layout(headDim, valueDim).size());
  }

  /**
   * Where things lie in the scratch, in floats: zeros; where rows begin; queries, results, maxima
   * and sums of a block; keys and values of a tile, decoded, rounded and as panels; scores and
   * exponentials.
   *
   * @param headDim the length of a query
   * @param valueDim the length of a value
   */
  private record Layout(int headDim, int valueDim) {

    /** The floats that a query or a key takes, rounded and padded. */
    int headFloats() {
      return Math.ceilDiv(headDim, 2 * LANES) * LANES;
    }

    /** The floats of a row of results. */
    int resultFloats() {
      return Math.ceilDiv(valueDim, LANES) * LANES;
    }

    int keyPanelFloats() {
      return headFloats() * WIDTH;
    }

    int valuePanelFloats() {
      return KEYS / 2 * WIDTH;
    }

    int zeros() {
      return 0;
    }

    int queryStarts() {
      return zeros() + Math.max(WIDTH, resultFloats());
    }

    int exponentialStarts() {
      return queryStarts() + QUERIES;
    }

    int queries() {
      return exponentialStarts() + ROWS;
    }

    int results() {
      return queries() + QUERIES * headFloats();
    }

    int maxima() {
      return results() + QUERIES * resultFloats();
    }

    int sums() {
      return maxima() + QUERIES;
    }

    int decoded() {
      return sums() + QUERIES;
    }

    int keys() {
      return decoded() + KEYS * Math.max(headDim, valueDim);
    }

    int keyPanels() {
      return keys() + KEYS * headFloats();
    }

    int valuePanels() {
      return keyPanels() + KEYS / WIDTH * keyPanelFloats();
    }

    int scores() {
      return valuePanels() + Math.ceilDiv(valueDim, WIDTH) * valuePanelFloats();
    }

    int exponentials() {
      return scores() + ROWS * KEYS;
    }

    int size() {
      return exponentials() + ROWS * KEYS / 2;
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
    for (int first = firstQuery; first < lastQuery; first += QUERIES) {
      attendBlock(task, first, Math.min(lastQuery, first + QUERIES), scratch);
    }
  }

  private void attendBlock(AttentionTask task, int first, int last, float[] scratch) {
    Layout at = new Layout(task.headDim, task.valueDim);
    begin(task, at, first, last - first, scratch);
    int seen = task.seen(last - 1);
    for (int key = task.first(first); key < seen; key += KEYS) {
      int keys = Math.min(KEYS, seen - key);
      packKeys(task, at, key, keys, scratch);
      packValues(task, at, key, keys, scratch);
      for (int query = first; query < last; query += ROWS) {
        int rows = Math.min(ROWS, last - query);
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
    Arrays.fill(scratch, at.zeros(), at.queryStarts(), 0);
    starts(scratch, at.queryStarts(), QUERIES, 2 * at.headFloats());
    starts(scratch, at.exponentialStarts(), ROWS, KEYS);
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
    Arrays.fill(scratch, at.sums(), at.decoded(), 0);
  }

  /** Writes where rows begin, as bits of int: the code reads them, nobody else does. */
  private static void starts(float[] scratch, int at, int rows, int apart) {
    for (int row = 0; row < rows; row++) {
      scratch[at + row] = Float.intBitsToFloat(row * apart);
    }
  }

  private void roundRows(
      float[] x, int xAt, int stride, int columns, int rows, float[] scratch, int to, int floats) {
    functions.round(
        Bf16Loops.slice(x, xAt, (rows - 1L) * stride + columns),
        (long) Float.BYTES * stride,
        Bf16Loops.slice(scratch, to, (long) rows * floats),
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
      decode(stored, task.storedAt + key, keys, scratch, at.decoded());
      roundRows(scratch, at.decoded(), n, n, keys, scratch, at.keys(), at.headFloats());
    }
    // Rows after the last key hold anything, and their scores are not computed.
    for (int i = 0; i < keys; i += LANES) {
      int panel = at.keyPanels() + i / WIDTH * at.keyPanelFloats() + i % WIDTH;
      functions.pack(
          Bf16Loops.slice(scratch, at.keys() + i * at.headFloats(), (long) LANES * at.headFloats()),
          (long) Float.BYTES * at.headFloats(),
          n,
          Bf16Loops.slice(scratch, panel, (at.headFloats() - 1L) * WIDTH + LANES));
    }
  }

  private void packValues(AttentionTask task, Layout at, int key, int keys, float[] scratch) {
    int n = task.valueDim;
    float[] x = task.v;
    int from = task.vAt + key * task.vStride;
    int stride = task.vStride;
    Matrix stored = task.storedV;
    if (stored != null) {
      decode(stored, task.storedAt + key, keys, scratch, at.decoded());
      x = scratch;
      from = at.decoded();
      stride = n;
    }
    long apart = 2L * Float.BYTES * stride;
    long pairsApart = (long) Float.BYTES * WIDTH;
    MemorySegment values = Bf16Loops.slice(x, from, (keys - 1L) * stride + n);
    MemorySegment zeros = Bf16Loops.slice(scratch, at.zeros(), LANES);
    int twos = keys / 2;
    for (int i = 0; i < n; i += LANES) {
      int lanes = Math.min(LANES, n - i);
      int panel = at.valuePanels() + i / WIDTH * at.valuePanelFloats() + i % WIDTH;
      MemorySegment to = MemorySegment.ofArray(scratch).asSlice((long) Float.BYTES * panel);
      MemorySegment even = values.asSlice((long) Float.BYTES * i);
      if (twos > 0) {
        MemorySegment odd = values.asSlice((long) Float.BYTES * (i + stride));
        functions.interleave(even, odd, apart, to, pairsApart, twos, lanes);
      }
      if (keys % 2 == 1) {
        functions.interleave(
            even.asSlice(twos * apart), zeros, 0, to.asSlice(twos * pairsApart), 0, 1, lanes);
      }
    }
  }

  private void decode(Matrix stored, int row, int rows, float[] scratch, int to) {
    for (int i = 0; i < rows; i++) {
      few.decodeRow(stored, row + i, scratch, to + i * stored.columns());
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
    MemorySegment all = MemorySegment.ofArray(scratch);
    MemorySegment zeros = Bf16Loops.slice(scratch, at.zeros(), WIDTH);
    for (int i = 0; i < keys; i += WIDTH) {
      functions.multiply(
          Bf16Loops.slice(scratch, at.queries(), (long) QUERIES * at.headFloats()),
          Bf16Loops.slice(scratch, at.queryStarts() + row, rows),
          Bf16Loops.slice(
              scratch, at.keyPanels() + i / WIDTH * at.keyPanelFloats(), at.keyPanelFloats()),
          zeros,
          0,
          Bf16Loops.slice(scratch, at.scores() + i, (long) ROWS * KEYS - i),
          (long) Float.BYTES * KEYS,
          Math.ceilDiv(task.headDim, 2),
          rows,
          Math.min(WIDTH, keys - i));
    }
    int whole = Math.ceilDiv(keys, 2 * LANES) * 2 * LANES;
    hide(task, query, rows, key, keys, whole, scratch, at.scores());
    int results = at.results() + row * at.resultFloats();
    functions.soften(
        Bf16Loops.slice(scratch, at.scores(), (long) ROWS * KEYS),
        (long) Float.BYTES * KEYS,
        Bf16Loops.slice(scratch, at.exponentials(), (long) ROWS * KEYS / 2),
        (long) Short.BYTES * KEYS,
        whole / (2 * LANES),
        Bf16Loops.slice(scratch, at.maxima() + row, rows),
        Bf16Loops.slice(scratch, at.sums() + row, rows),
        Bf16Loops.slice(scratch, results, (long) rows * at.resultFloats()),
        (long) Float.BYTES * at.resultFloats(),
        at.resultFloats() / LANES,
        rows,
        task.scale * LOG2_E);
    for (int i = 0; i < task.valueDim; i += WIDTH) {
      MemorySegment sums = all.asSlice((long) Float.BYTES * (results + i));
      functions.multiply(
          Bf16Loops.slice(scratch, at.exponentials(), (long) ROWS * KEYS / 2),
          Bf16Loops.slice(scratch, at.exponentialStarts(), rows),
          Bf16Loops.slice(
              scratch, at.valuePanels() + i / WIDTH * at.valuePanelFloats(), at.valuePanelFloats()),
          sums,
          (long) Float.BYTES * at.resultFloats(),
          sums,
          (long) Float.BYTES * at.resultFloats(),
          Math.ceilDiv(keys, 2),
          rows,
          Math.min(WIDTH, task.valueDim - i));
    }
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
    for (int i = 0; i < rows; i++) {
      int at = scores + i * KEYS;
      int from = Math.clamp((long) task.first(query + i) - key, 0, whole);
      int to = Math.clamp((long) task.seen(query + i) - key, 0, keys);
      Arrays.fill(scratch, at, at + from, Float.NEGATIVE_INFINITY);
      Arrays.fill(scratch, at + to, at + whole, Float.NEGATIVE_INFINITY);
    }
  }

  /** Divides by the sums and writes the results; queries that saw no key get zeros. */
  private static void finish(
      AttentionTask task, Layout at, int query, int queries, float[] scratch) {
    for (int i = 0; i < queries; i++) {
      float sum = scratch[at.sums() + i];
      float factor = sum == 0 ? 0 : 1 / sum;
      int from = at.results() + i * at.resultFloats();
      int to = task.outAt + (query + i) * task.outStride;
      for (int d = 0; d < task.valueDim; d++) {
        task.out[to + d] = scratch[from + d] * factor;
      }
    }
  }
}
