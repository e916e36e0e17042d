package io.github.vlm4j.backend.cpu.vector;

import io.github.vlm4j.backend.cpu.kernel.AttentionTask;
import io.github.vlm4j.backend.cpu.kernel.FewQueriesLoops;
import io.github.vlm4j.backend.cpu.kernel.Matrix;
import java.util.Arrays;
import java.util.Objects;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;
import org.jspecify.annotations.Nullable;

/**
 * Attention of the few queries of a decoding step, bound by how fast keys and values arrive:
 * vectors run along the head, a tile of keys and values is used by all queries while it is cached,
 * and what is loaded of it by two queries at a time. One that is left over is computed twice. Four
 * keys, or values, are read side by side, a quarter of the tile apart: four streams, as in {@link
 * VectorMatVec}.
 *
 * <p>The scratch holds the maximum and the sum of each query; then, for two queries, the scores of
 * a tile, the vectors that four of them are the sums of and a result that nobody needs; then the
 * keys and values of a tile, if they are not stored in f32.
 */
final class VectorFewQueries {

  private static final VectorSpecies<Float> F = Lanes.F32;
  private static final int L = Lanes.COUNT;

  /** The most queries for which this is faster than {@link VectorAttention}. */
  static final int QUERIES = Math.max(2, L / 2);

  /** The keys of a tile that is read again from a cache, or decoded into one. */
  private static final int KEYS = 256;

  /** The keys of a tile that is read once: streams begin anew at each tile. */
  private static final int MOST_KEYS = 1024;

  /** Rows of stored keys, or values, that are decoded before those of the next quarter. */
  private static final int DECODED_ROWS = 4;

  private static final int SCORES = 2 * QUERIES;
  private static final int SUMMED = SCORES + 2 * MOST_KEYS;
  private static final int SPARE = SUMMED + 2 * 4 * L;

  private VectorFewQueries() {}

  static int scratchFloats(int headDim, int valueDim) {
    return SPARE + valueDim + KEYS * (headDim + valueDim);
  }

  /**
   * Attends.
   *
   * @param loops take the place of what is compiled here, for tasks that they take; null for none
   */
  static void attend(
      @Nullable FewQueriesLoops loops, AttentionTask task, int first, int last, float[] scratch) {
    FewQueriesLoops taking = loops != null && loops.takes(task) ? loops : null;
    int queries = last - first;
    Arrays.fill(scratch, 0, queries, Float.NEGATIVE_INFINITY);
    Arrays.fill(scratch, QUERIES, QUERIES + queries, 0);
    for (int q = first; q < last; q++) {
      int out = task.outAt + q * task.outStride;
      Arrays.fill(task.out, out, out + task.valueDim, 0);
    }
    boolean decoded = taking == null && task.storedK != null && task.storedV != null;
    int tile = queries <= 2 && !decoded ? MOST_KEYS : KEYS;
    int seen = task.seen(last - 1);
    for (int key = task.first(first); key < seen; key += tile) {
      if (decoded) {
        decode(task, key, Math.min(tile, seen - key), scratch);
      }
      // Queries of a causal task see different keys.
      int step = task.causal ? 1 : 2;
      for (int q = first; q < last; q += step) {
        int from = Math.max(key, task.first(q));
        int keys = Math.min(key + tile, task.seen(q)) - from;
        if (keys > 0) {
          int b = Math.min(q + step, last) - 1;
          score(taking, task, q, b, from, keys, scratch);
          soften(loops, task, q, keys, SCORES, q - first, scratch);
          if (b != q) {
            soften(loops, task, b, keys, SCORES + MOST_KEYS, b - first, scratch);
          }
          addValues(taking, task, q, b, from, keys, scratch);
        }
      }
    }
    for (int q = first; q < last; q++) {
      float sum = scratch[QUERIES + q - first];
      task.writeStats(q, scratch[q - first], sum);
      if (sum != 0) {
        scale(task, q, 1 / sum);
      }
    }
  }

  /** Decodes a tile of stored keys and values and points the task at it. */
  private static void decode(AttentionTask task, int key, int keys, float[] scratch) {
    Matrix storedK = Objects.requireNonNull(task.storedK);
    Matrix storedV = Objects.requireNonNull(task.storedV);
    int toKeys = SPARE + task.valueDim;
    int toValues = toKeys + KEYS * task.headDim;
    int row = task.storedAt + key;
    decode(storedK, row, keys, task.headDim, scratch, toKeys);
    decode(storedV, row, keys, task.valueDim, scratch, toValues);
    task.k = scratch;
    task.kAt = toKeys - key * task.headDim;
    task.kStride = task.headDim;
    task.v = scratch;
    task.vAt = toValues - key * task.valueDim;
    task.vStride = task.valueDim;
  }

  /** Decodes rows, some of each quarter in turn. */
  private static void decode(Matrix stored, int row, int rows, int n, float[] scratch, int to) {
    int quarter = rows / 4;
    for (int i = 0; i < quarter; i += DECODED_ROWS) {
      int count = Math.min(DECODED_ROWS, quarter - i) * n;
      for (int at = i; at < i + 4 * quarter; at += quarter) {
        Weights.read(stored, row + at, 0, count, scratch, to + at * n);
      }
    }
    int left = 4 * quarter;
    Weights.read(stored, row + left, 0, (rows - left) * n, scratch, to + left * n);
  }

  /** Scores one or two queries, {@code a} and {@code b}, with a tile of keys that both see. */
  private static void score(
      @Nullable FewQueriesLoops loops,
      AttentionTask task,
      int a,
      int b,
      int key,
      int keys,
      float[] scratch) {
    if (loops == null) {
      score(task, a, b, key, keys, scratch);
    } else {
      loops.score(task, a, b, key, keys, scratch, SCORES, MOST_KEYS);
    }
  }

  /** Adds a tile's weighted values to the results of one or two queries. */
  private static void addValues(
      @Nullable FewQueriesLoops loops,
      AttentionTask task,
      int a,
      int b,
      int key,
      int keys,
      float[] scratch) {
    int outA = task.outAt + a * task.outStride;
    if (loops != null) {
      loops.addValues(task, a, b, key, keys, scratch, SCORES, MOST_KEYS, SPARE);
    } else if (b == a) {
      addValues(task, key, keys, outA, scratch, SPARE, scratch);
    } else {
      addValues(task, key, keys, outA, task.out, task.outAt + b * task.outStride, scratch);
    }
  }

  /**
   * Replaces scores by their exponentials, relative to the greatest score so far, and brings the
   * sum and the result of earlier tiles to the same base.
   */
  private static void soften(
      @Nullable FewQueriesLoops loops,
      AttentionTask task,
      int query,
      int keys,
      int scores,
      int state,
      float[] scratch) {
    float before = scratch[state];
    if (loops == null) {
      soften(task, keys, scores, state, scratch);
    } else {
      loops.soften(task, keys, scratch, scores, state, SUMMED);
    }
    float max = scratch[state];
    float fade = (float) Math.exp(before - (max == Float.NEGATIVE_INFINITY ? 0 : max));
    scratch[QUERIES + state] = Math.fma(fade, scratch[QUERIES + state], scratch[SUMMED]);
    if (fade != 1) {
      scale(task, query, fade);
    }
  }

  /** Scales a result, in a plain loop: of vectors C2 kept the factor as an object in some runs. */
  private static void scale(AttentionTask task, int query, float factor) {
    float[] out = task.out;
    int at = task.outAt + query * task.outStride;
    for (int d = at; d < at + task.valueDim; d++) {
      out[d] *= factor;
    }
  }

  private static void soften(AttentionTask task, int keys, int scores, int state, float[] scratch) {
    VectorElements.scale(scratch, scores, keys, task.scale);
    float max = Math.max(scratch[state], VectorElements.max(scratch, scores, keys));
    float base = max == Float.NEGATIVE_INFINITY ? 0 : max;
    scratch[state] = max;
    scratch[SUMMED] = VectorElements.expInPlace(scratch, scores, keys, base);
  }

  private static void score(AttentionTask task, int a, int b, int key, int keys, float[] scratch) {
    float[] q = task.q;
    float[] k = task.k;
    int headDim = task.headDim;
    int stride = task.kStride;
    int aAt = task.qAt + a * task.qStride;
    int bAt = task.qAt + b * task.qStride;
    int kAt = task.kAt + key * stride;
    int whole = headDim - headDim % L;
    int quarter = keys / 4;
    for (int j = 0; j < quarter; j++) {
      scoreFour(q, aAt, bAt, k, kAt + j * stride, quarter * stride, whole, scratch);
      Lanes.sums(scratch, SUMMED, 4, scratch, SCORES + j, quarter);
      if (b != a) {
        Lanes.sums(scratch, SUMMED + 4 * L, 4, scratch, SCORES + MOST_KEYS + j, quarter);
      }
    }
    for (int j = 0; j < keys; j++) {
      int at = kAt + j * stride;
      if (j >= 4 * quarter) {
        // Three at most, and a loop of vectors that is seldom run is compiled with boxed ones.
        scratch[SCORES + j] = tail(q, aAt, k, at, 0, headDim);
        scratch[SCORES + MOST_KEYS + j] = tail(q, bAt, k, at, 0, headDim);
      } else if (whole < headDim) {
        scratch[SCORES + j] += tail(q, aAt, k, at, whole, headDim);
        scratch[SCORES + MOST_KEYS + j] += tail(q, bAt, k, at, whole, headDim);
      }
    }
  }

  private static float tail(float[] q, int qAt, float[] k, int kAt, int from, int to) {
    float sum = 0;
    for (int d = from; d < to; d++) {
      sum = Math.fma(q[qAt + d], k[kAt + d], sum);
    }
    return sum;
  }

  /** Writes vectors whose lanes add up to two queries' products with four keys. */
  private static void scoreFour(
      float[] q, int aAt, int bAt, float[] k, int kAt, int apart, int whole, float[] scratch) {
    int k1 = kAt + apart;
    int k2 = k1 + apart;
    int k3 = k2 + apart;
    FloatVector a0 = FloatVector.zero(F);
    FloatVector a1 = a0;
    FloatVector a2 = a0;
    FloatVector a3 = a0;
    FloatVector b0 = a0;
    FloatVector b1 = a0;
    FloatVector b2 = a0;
    FloatVector b3 = a0;
    for (int d = 0; d < whole; d += L) {
      FloatVector va = FloatVector.fromArray(F, q, aAt + d);
      FloatVector vb = FloatVector.fromArray(F, q, bAt + d);
      FloatVector w0 = FloatVector.fromArray(F, k, kAt + d);
      a0 = w0.fma(va, a0);
      b0 = w0.fma(vb, b0);
      FloatVector w1 = FloatVector.fromArray(F, k, k1 + d);
      a1 = w1.fma(va, a1);
      b1 = w1.fma(vb, b1);
      FloatVector w2 = FloatVector.fromArray(F, k, k2 + d);
      a2 = w2.fma(va, a2);
      b2 = w2.fma(vb, b2);
      FloatVector w3 = FloatVector.fromArray(F, k, k3 + d);
      a3 = w3.fma(va, a3);
      b3 = w3.fma(vb, b3);
    }
    a0.intoArray(scratch, SUMMED);
    a1.intoArray(scratch, SUMMED + L);
    a2.intoArray(scratch, SUMMED + 2 * L);
    a3.intoArray(scratch, SUMMED + 3 * L);
    b0.intoArray(scratch, SUMMED + 4 * L);
    b1.intoArray(scratch, SUMMED + 5 * L);
    b2.intoArray(scratch, SUMMED + 6 * L);
    b3.intoArray(scratch, SUMMED + 7 * L);
  }

  /**
   * Adds to two results, four values at a time.
   *
   * @param toA where in {@code task.out} the first is
   * @param outB holds the second
   */
  private static void addValues(
      AttentionTask task, int key, int keys, int toA, float[] outB, int toB, float[] scratch) {
    float[] v = task.v;
    int valueDim = task.valueDim;
    int stride = task.vStride;
    int vAt = task.vAt + key * stride;
    int quarter = keys / 4;
    for (int j = 0; j < quarter; j++) {
      addFour(v, vAt + j * stride, stride, quarter, valueDim, scratch, j, task.out, toA, outB, toB);
    }
    for (int j = 4 * quarter; j < keys; j++) {
      int at = vAt + j * stride;
      add(scratch[SCORES + j], v, at, task.out, toA, valueDim);
      add(scratch[SCORES + MOST_KEYS + j], v, at, outB, toB, valueDim);
    }
  }

  /** Adds one of the three values at most that are left over, as {@link #tail} multiplies keys. */
  private static void add(float weight, float[] v, int at, float[] out, int to, int valueDim) {
    for (int d = 0; d < valueDim; d++) {
      out[to + d] = Math.fma(weight, v[at + d], out[to + d]);
    }
  }

  private static void addFour(
      float[] v,
      int v0,
      int stride,
      int quarter,
      int valueDim,
      float[] scratch,
      int key,
      float[] outA,
      int toA,
      float[] outB,
      int toB) {
    int apart = quarter * stride;
    int v1 = v0 + apart;
    int v2 = v1 + apart;
    int v3 = v2 + apart;
    int a = SCORES + key;
    int b = a + MOST_KEYS;
    FloatVector a0 = FloatVector.broadcast(F, scratch[a]);
    FloatVector a1 = FloatVector.broadcast(F, scratch[a + quarter]);
    FloatVector a2 = FloatVector.broadcast(F, scratch[a + 2 * quarter]);
    FloatVector a3 = FloatVector.broadcast(F, scratch[a + 3 * quarter]);
    FloatVector b0 = FloatVector.broadcast(F, scratch[b]);
    FloatVector b1 = FloatVector.broadcast(F, scratch[b + quarter]);
    FloatVector b2 = FloatVector.broadcast(F, scratch[b + 2 * quarter]);
    FloatVector b3 = FloatVector.broadcast(F, scratch[b + 3 * quarter]);
    int whole = valueDim - valueDim % L;
    for (int d = 0; d < whole; d += L) {
      FloatVector w0 = FloatVector.fromArray(F, v, v0 + d);
      FloatVector w1 = FloatVector.fromArray(F, v, v1 + d);
      FloatVector w2 = FloatVector.fromArray(F, v, v2 + d);
      FloatVector w3 = FloatVector.fromArray(F, v, v3 + d);
      FloatVector s = FloatVector.fromArray(F, outA, toA + d);
      w3.fma(a3, w2.fma(a2, w1.fma(a1, w0.fma(a0, s)))).intoArray(outA, toA + d);
      FloatVector t = FloatVector.fromArray(F, outB, toB + d);
      w3.fma(b3, w2.fma(b2, w1.fma(b1, w0.fma(b0, t)))).intoArray(outB, toB + d);
    }
    for (int d = whole; d < valueDim; d++) {
      outA[toA + d] += weighted(v, v0 + d, apart, scratch, a, quarter);
      outB[toB + d] += weighted(v, v0 + d, apart, scratch, b, quarter);
    }
  }

  private static float weighted(
      float[] v, int at, int apart, float[] weights, int from, int quarter) {
    float sum = 0;
    for (int i = 0; i < 4; i++) {
      sum = Math.fma(weights[from + i * quarter], v[at + i * apart], sum);
    }
    return sum;
  }
}
