package io.github.vlm4j.backend.cpu.scalar;

import io.github.vlm4j.backend.cpu.kernel.AttentionTask;
import io.github.vlm4j.backend.cpu.kernel.Kernels;
import io.github.vlm4j.backend.cpu.kernel.Matrix;
import java.util.Arrays;

/** Attention of one query after the other. */
final class ScalarAttention {

  /** How many scores of one query are held at once. */
  static final int KEY_TILE = 64;

  private ScalarAttention() {}

  static int scratchFloats(int headDim, int valueDim) {
    return KEY_TILE + KEY_TILE * (headDim + valueDim);
  }

  /**
   * Attends some queries. Few stored keys and values are decoded once for all of them: after a
   * start, decoding takes longer than all else.
   *
   * @param kernels decode stored keys and values
   * @param scratch {@link #scratchFloats} floats
   */
  static void attend(
      Kernels kernels, AttentionTask task, int firstQuery, int lastQuery, float[] scratch) {
    Matrix storedK = task.storedK;
    Matrix storedV = task.storedV;
    int from = task.first(firstQuery);
    int keys = task.seen(lastQuery - 1) - from;
    if (storedK != null && storedV != null && keys <= KEY_TILE) {
      int toValues = KEY_TILE + KEY_TILE * task.headDim;
      for (int j = 0; j < keys; j++) {
        int row = task.storedAt + from + j;
        kernels.decodeRow(storedK, row, scratch, KEY_TILE + j * task.headDim);
        kernels.decodeRow(storedV, row, scratch, toValues + j * task.valueDim);
      }
      task.k = scratch;
      task.kAt = KEY_TILE - from * task.headDim;
      task.kStride = task.headDim;
      task.v = scratch;
      task.vAt = toValues - from * task.valueDim;
      task.vStride = task.valueDim;
      task.storedK = null;
      task.storedV = null;
    }
    for (int query = firstQuery; query < lastQuery; query++) {
      attend(kernels, task, query, scratch);
    }
    task.storedK = storedK;
    task.storedV = storedV;
  }

  /**
   * Softmax over tiles of keys with a running maximum and sum (Milakov and Gimelshein, 2018); the
   * result so far is scaled down whenever the maximum rises.
   *
   * @param kernels decode stored keys and values
   * @param scores {@link #KEY_TILE} floats, then one key or value
   */
  private static void attend(Kernels kernels, AttentionTask task, int query, float[] scores) {
    int from = task.first(query);
    int seen = task.seen(query);
    int qAt = task.qAt + query * task.qStride;
    int outAt = task.outAt + query * task.outStride;
    Arrays.fill(task.out, outAt, outAt + task.valueDim, 0f);
    double sum = 0;
    float highest = Float.NEGATIVE_INFINITY;
    for (int first = from; first < seen; first += KEY_TILE) {
      int count = Math.min(KEY_TILE, seen - first);
      float before = highest;
      for (int j = 0; j < count; j++) {
        double product;
        if (task.storedK == null) {
          int kAt = task.kAt + (first + j) * task.kStride;
          product = ScalarKernels.sumOfProducts(task.q, qAt, task.k, kAt, task.headDim);
        } else {
          kernels.decodeRow(task.storedK, task.storedAt + first + j, scores, KEY_TILE);
          product = ScalarKernels.sumOfProducts(task.q, qAt, scores, KEY_TILE, task.headDim);
        }
        scores[j] = task.scale * (float) product;
        highest = Math.max(highest, scores[j]);
      }
      if (highest > before && first > from) {
        double shrink = Math.exp((double) before - highest);
        sum *= shrink;
        for (int d = 0; d < task.valueDim; d++) {
          task.out[outAt + d] = (float) (task.out[outAt + d] * shrink);
        }
      }
      for (int j = 0; j < count; j++) {
        float weight = (float) Math.exp((double) scores[j] - highest);
        sum += weight;
        float[] v = task.v;
        int vAt = task.vAt + (first + j) * task.vStride;
        if (task.storedV != null) {
          kernels.decodeRow(task.storedV, task.storedAt + first + j, scores, KEY_TILE);
          v = scores;
          vAt = KEY_TILE;
        }
        for (int d = 0; d < task.valueDim; d++) {
          task.out[outAt + d] += weight * v[vAt + d];
        }
      }
    }
    task.writeStats(query, highest, (float) sum);
    for (int d = 0; d < task.valueDim && seen > from; d++) {
      task.out[outAt + d] = (float) (task.out[outAt + d] / sum);
    }
  }
}
