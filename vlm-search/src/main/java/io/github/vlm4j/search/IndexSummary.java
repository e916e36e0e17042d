package io.github.vlm4j.search;

import java.time.Duration;

/**
 * What bringing an index in line with a folder came to.
 *
 * @param indexed pictures that were new
 * @param unchanged pictures that were there already, of the same size and time of modification
 * @param replaced pictures that had changed
 * @param removed entries whose file is gone
 * @param broken picture files that cannot be read, those known from earlier included
 * @param time how long it took
 */
public record IndexSummary(
    long indexed, long unchanged, long replaced, long removed, long broken, Duration time) {

  /** Returns how many pictures were embedded in a second; 0 if none was. */
  public double imagesPerSecond() {
    return (indexed + replaced) / Math.max(1e-9, time.toNanos() / 1e9);
  }
}
