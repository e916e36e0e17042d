package io.github.vlm4j.backend.cpu.kernel;

import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * One head's queries, or several heads' that read the same keys, and what they attend to. Mutable
 * and reused, so that a decoding step allocates nothing. Query i sees keys 0 to {@code visible + i}
 * (exclusive {@code visible + i + 1}) if causal, of these the last {@code window} if there is a
 * window, and all {@code keys} otherwise.
 */
public final class AttentionTask {

  /** Says that maxima and sums are not wanted. */
  public static final float[] NO_STATS = new float[0];

  /** Queries, {@code [.., headDim]}: query i begins at {@code qAt + i · qStride}. */
  public float[] q = new float[0];

  /** Where query 0 begins. */
  public int qAt;

  /** The distance between queries. */
  public int qStride;

  /** Keys: key j begins at {@code kAt + j · kStride}. */
  public float[] k = new float[0];

  /** Where key 0 begins. */
  public int kAt;

  /** The distance between keys. */
  public int kStride;

  /** Values: value j begins at {@code vAt + j · vStride}. */
  public float[] v = new float[0];

  /** Where value 0 begins. */
  public int vAt;

  /** The distance between values. */
  public int vStride;

  /**
   * Keys in another type than f32, {@code [.., headDim]}: key j is row {@code storedAt + j}; null
   * if they are in {@link #k}.
   */
  public @Nullable Matrix storedK;

  /** Values in that type, {@code [.., valueDim]}; null if they are in {@link #v}. */
  public @Nullable Matrix storedV;

  /** The row of {@link #storedK} and {@link #storedV} that key and value 0 are. */
  public int storedAt;

  /** Results: result i begins at {@code outAt + i · outStride}. */
  public float[] out = new float[0];

  /** Where result 0 begins. */
  public int outAt;

  /** The distance between results. */
  public int outStride;

  /**
   * Receives, unless it is empty, the greatest score of query i at {@code statsAt + 2 · i}, -∞ if
   * it sees no key, and after it the sum of all scores' exponentials relative to that: what it
   * takes to merge results over different keys.
   */
  public float[] stats = NO_STATS;

  /** Where the maximum of query 0 is written. */
  public int statsAt;

  /** The length of a query and a key. */
  public int headDim;

  /** The length of a value and a result. */
  public int valueDim;

  /** The number of keys. */
  public int keys;

  /** Whether query i sees only keys 0 to {@code visible + i}. */
  public boolean causal;

  /** The last key that query 0 sees, if causal. */
  public int visible;

  /** How many keys a query sees at most, if causal; 0 for all. */
  public int window;

  /** What dot products are multiplied with. */
  public float scale;

  private final FloatSegment qSegment = new FloatSegment();
  private final FloatSegment kSegment = new FloatSegment();
  private final FloatSegment vSegment = new FloatSegment();
  private final FloatSegment outSegment = new FloatSegment();
  private final FloatSegment scratchSegment = new FloatSegment();

  /** Returns {@link #q} as native functions are given it. */
  public MemorySegment qSegment() {
    return qSegment.of(q);
  }

  /** Returns {@link #k} as native functions are given it. */
  public MemorySegment kSegment() {
    return kSegment.of(k);
  }

  /** Returns {@link #v} as native functions are given it. */
  public MemorySegment vSegment() {
    return vSegment.of(v);
  }

  /** Returns {@link #out} as native functions are given it. */
  public MemorySegment outSegment() {
    return outSegment.of(out);
  }

  /** Returns the scratch that this task is computed with as native functions are given it. */
  public MemorySegment scratchSegment(float[] scratch) {
    return scratchSegment.of(scratch);
  }

  /** Returns the first key that a query sees. */
  public int first(int query) {
    return causal && window > 0 ? Math.clamp((long) visible + query + 1 - window, 0, keys) : 0;
  }

  /** Returns one past the last key that a query sees. */
  public int seen(int query) {
    return causal ? Math.clamp((long) visible + query + 1, 0, keys) : keys;
  }

  /** Writes a query's maximum and sum if they are wanted. */
  public void writeStats(int query, float maximum, float sum) {
    if (stats.length > 0) {
      stats[statsAt + 2 * query] = maximum;
      stats[statsAt + 2 * query + 1] = sum;
    }
  }
}
