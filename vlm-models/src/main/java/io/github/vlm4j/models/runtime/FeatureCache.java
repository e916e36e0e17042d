package io.github.vlm4j.models.runtime;

import java.util.LinkedHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The features of the pictures used last, within a number of bytes; those not used for longest go
 * first. Not safe for use by several threads at once.
 */
public final class FeatureCache {

  private final long limit;
  private final LinkedHashMap<PictureKey, EncodedVisual> features =
      new LinkedHashMap<>(16, 0.75f, true);
  private long bytes;

  /**
   * Creates an empty cache.
   *
   * @param limit the most bytes; 0 keeps nothing
   */
  public FeatureCache(long limit) {
    this.limit = limit;
  }

  @Nullable EncodedVisual get(PictureKey key) {
    return features.get(key);
  }

  void put(PictureKey key, EncodedVisual made) {
    if (made.bytes() > limit) {
      return;
    }
    EncodedVisual before = features.put(key, made);
    bytes += made.bytes() - (before == null ? 0 : before.bytes());
    while (bytes > limit) {
      bytes -= features.pollFirstEntry().getValue().bytes();
    }
  }

  /** Forgets all of them. */
  public void clear() {
    features.clear();
    bytes = 0;
  }
}
