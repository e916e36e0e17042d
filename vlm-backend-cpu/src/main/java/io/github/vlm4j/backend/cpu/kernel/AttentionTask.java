package io.github.vlm4j.backend.cpu.kernel;

/**
 * One head's queries, or several heads' that read the same keys, and what they attend to. Mutable
 * and reused, so that a decoding step allocates nothing. Query i sees keys 0 to {@code visible + i}
 * (exclusive {@code visible + i + 1}) if causal, of these the last {@code window} if there is a
 * window, and all {@code keys} otherwise.
 */
public final class AttentionTask {

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

  /** Results: result i begins at {@code outAt + i · outStride}. */
  public float[] out = new float[0];

  /** Where result 0 begins. */
  public int outAt;

  /** The distance between results. */
  public int outStride;

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

  /** Returns the first key that a query sees. */
  public int first(int query) {
    return causal && window > 0 ? Math.clamp((long) visible + query + 1 - window, 0, keys) : 0;
  }

  /** Returns one past the last key that a query sees. */
  public int seen(int query) {
    return causal ? Math.clamp((long) visible + query + 1, 0, keys) : keys;
  }
}
