package io.github.vlm4j.backend.cpu.vector;

import io.github.vlm4j.backend.cpu.kernel.AttentionTask;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Attention of the few queries of a decoding step, bound by how fast keys and values arrive:
 * vectors run along the head, and a tile of keys and values is used by all queries while it is
 * cached.
 *
 * <p>The scratch holds the maximum and the sum of each query, the scores of a tile, and its keys
 * and values, if they are not stored in f32.
 */
final class VectorFewQueries {

  private static final VectorSpecies<Float> F = Lanes.F32;
  private static final int L = Lanes.COUNT;

  /** The most queries for which this is faster than {@link VectorAttention}. */
  static final int QUERIES = Math.max(2, L / 2);

  private static final int KEYS = 64;

  private VectorFewQueries() {}

  static int scratchFloats(int headDim, int valueDim) {
    return 2 * QUERIES + KEYS * (1 + headDim + valueDim);
  }

  static void attend(AttentionTask task, int first, int last, float[] scratch) {
    int queries = last - first;
    Arrays.fill(scratch, 0, queries, Float.NEGATIVE_INFINITY);
    Arrays.fill(scratch, QUERIES, QUERIES + queries, 0);
    for (int q = first; q < last; q++) {
      int out = task.outAt + q * task.outStride;
      Arrays.fill(task.out, out, out + task.valueDim, 0);
    }
    int seen = task.seen(last - 1);
    int decodedKeys = 2 * QUERIES + KEYS;
    int decodedValues = decodedKeys + KEYS * task.headDim;
    for (int key = task.first(first); key < seen; key += KEYS) {
      if (task.storedK != null && task.storedV != null) {
        int row = task.storedAt + key;
        int keys = Math.min(KEYS, seen - key);
        Weights.read(task.storedK, row, 0, keys * task.headDim, scratch, decodedKeys);
        Weights.read(task.storedV, row, 0, keys * task.valueDim, scratch, decodedValues);
        task.k = scratch;
        task.kAt = decodedKeys - key * task.headDim;
        task.kStride = task.headDim;
        task.v = scratch;
        task.vAt = decodedValues - key * task.valueDim;
        task.vStride = task.valueDim;
      }
      for (int q = first; q < last; q++) {
        int from = Math.max(key, task.first(q));
        int keys = Math.min(key + KEYS, task.seen(q)) - from;
        if (keys > 0) {
          attendTile(task, q, from, keys, scratch, q - first);
        }
      }
    }
    for (int q = first; q < last; q++) {
      float sum = scratch[QUERIES + q - first];
      task.writeStats(q, scratch[q - first], sum);
      if (sum != 0) {
        VectorElements.scale(task.out, task.outAt + q * task.outStride, task.valueDim, 1 / sum);
      }
    }
  }

  private static void attendTile(
      AttentionTask task, int query, int key, int keys, float[] scratch, int state) {
    int scores = 2 * QUERIES;
    score(task, query, key, keys, scratch, scores);
    VectorElements.scale(scratch, scores, keys, task.scale);
    float before = scratch[state];
    float max = Math.max(before, VectorElements.max(scratch, scores, keys));
    float base = max == Float.NEGATIVE_INFINITY ? 0 : max;
    float sum = VectorElements.expInPlace(scratch, scores, keys, base);
    float fade = (float) Math.exp(before - base);
    scratch[state] = max;
    scratch[QUERIES + state] = Math.fma(fade, scratch[QUERIES + state], sum);
    if (fade != 1) {
      VectorElements.scale(task.out, task.outAt + query * task.outStride, task.valueDim, fade);
    }
    addValues(task, query, key, keys, scratch, scores);
  }

  /** Computes the dot products of one query with a tile of keys, four at a time. */
  private static void score(
      AttentionTask task, int query, int key, int keys, float[] scratch, int scores) {
    float[] q = task.q;
    float[] k = task.k;
    int qAt = task.qAt + query * task.qStride;
    int headDim = task.headDim;
    int whole = headDim - headDim % L;
    int j = 0;
    for (; j <= keys - 4; j += 4) {
      int k0 = task.kAt + (key + j) * task.kStride;
      int k1 = k0 + task.kStride;
      int k2 = k1 + task.kStride;
      int k3 = k2 + task.kStride;
      FloatVector s0 = FloatVector.zero(F);
      FloatVector s1 = s0;
      FloatVector s2 = s0;
      FloatVector s3 = s0;
      for (int d = 0; d < whole; d += L) {
        FloatVector v = FloatVector.fromArray(F, q, qAt + d);
        s0 = FloatVector.fromArray(F, k, k0 + d).fma(v, s0);
        s1 = FloatVector.fromArray(F, k, k1 + d).fma(v, s1);
        s2 = FloatVector.fromArray(F, k, k2 + d).fma(v, s2);
        s3 = FloatVector.fromArray(F, k, k3 + d).fma(v, s3);
      }
      float t0 = Lanes.sum(s0);
      float t1 = Lanes.sum(s1);
      float t2 = Lanes.sum(s2);
      float t3 = Lanes.sum(s3);
      for (int d = whole; d < headDim; d++) {
        t0 = Math.fma(q[qAt + d], k[k0 + d], t0);
        t1 = Math.fma(q[qAt + d], k[k1 + d], t1);
        t2 = Math.fma(q[qAt + d], k[k2 + d], t2);
        t3 = Math.fma(q[qAt + d], k[k3 + d], t3);
      }
      scratch[scores + j] = t0;
      scratch[scores + j + 1] = t1;
      scratch[scores + j + 2] = t2;
      scratch[scores + j + 3] = t3;
    }
    for (; j < keys; j++) {
      scratch[scores + j] =
          VectorElements.dot(q, qAt, k, task.kAt + (key + j) * task.kStride, headDim);
    }
  }

  /** Adds the weighted values of a tile to one result, four at a time. */
  private static void addValues(
      AttentionTask task, int query, int key, int keys, float[] scratch, int scores) {
    float[] v = task.v;
    float[] out = task.out;
    int to = task.outAt + query * task.outStride;
    int valueDim = task.valueDim;
    int whole = valueDim - valueDim % L;
    int j = 0;
    for (; j <= keys - 4; j += 4) {
      int v0 = task.vAt + (key + j) * task.vStride;
      int v1 = v0 + task.vStride;
      int v2 = v1 + task.vStride;
      int v3 = v2 + task.vStride;
      float p0 = scratch[scores + j];
      float p1 = scratch[scores + j + 1];
      float p2 = scratch[scores + j + 2];
      float p3 = scratch[scores + j + 3];
      FloatVector b0 = FloatVector.broadcast(F, p0);
      FloatVector b1 = FloatVector.broadcast(F, p1);
      FloatVector b2 = FloatVector.broadcast(F, p2);
      FloatVector b3 = FloatVector.broadcast(F, p3);
      for (int d = 0; d < whole; d += L) {
        FloatVector s = FloatVector.fromArray(F, out, to + d);
        s = FloatVector.fromArray(F, v, v0 + d).fma(b0, s);
        s = FloatVector.fromArray(F, v, v1 + d).fma(b1, s);
        s = FloatVector.fromArray(F, v, v2 + d).fma(b2, s);
        s = FloatVector.fromArray(F, v, v3 + d).fma(b3, s);
        s.intoArray(out, to + d);
      }
      for (int d = whole; d < valueDim; d++) {
        float s = Math.fma(p0, v[v0 + d], out[to + d]);
        s = Math.fma(p1, v[v1 + d], s);
        s = Math.fma(p2, v[v2 + d], s);
        out[to + d] = Math.fma(p3, v[v3 + d], s);
      }
    }
    for (; j < keys; j++) {
      VectorElements.addScaled(
          scratch[scores + j], v, task.vAt + (key + j) * task.vStride, out, to, valueDim);
    }
  }
}
