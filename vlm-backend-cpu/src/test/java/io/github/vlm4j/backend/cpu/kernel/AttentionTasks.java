package io.github.vlm4j.backend.cpu.kernel;

import java.util.function.IntFunction;

/** Tasks of attention over arrays that hold no more than they need. */
public final class AttentionTasks {

  private AttentionTasks() {}

  /**
   * Returns a task whose arrays begin with some floats that do not belong to it.
   *
   * @param floats makes arrays of a length
   * @param gap the floats between queries, and between results; half and a third of those between
   *     keys and values
   */
  public static AttentionTask of(
      IntFunction<float[]> floats, int queries, int keys, int headDim, int valueDim, int gap) {
    AttentionTask task = new AttentionTask();
    task.headDim = headDim;
    task.valueDim = valueDim;
    task.keys = keys;
    task.qAt = 1;
    task.kAt = 2;
    task.vAt = 3;
    task.outAt = 4;
    task.qStride = headDim + gap;
    task.kStride = headDim + 2 * gap;
    task.vStride = valueDim + 3 * gap;
    task.outStride = valueDim + gap;
    // Not a float more than is needed: reading past the last key or value fails.
    task.q = floats.apply(task.qAt + queries * task.qStride - gap);
    task.k = floats.apply(task.kAt + Math.max(0, keys * task.kStride - 2 * gap));
    task.v = floats.apply(task.vAt + Math.max(0, keys * task.vStride - 3 * gap));
    task.out = new float[task.outAt + queries * task.outStride - gap];
    task.scale = (float) (3 / Math.sqrt(headDim));
    return task;
  }
}
