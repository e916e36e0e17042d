package io.github.vlm4j.core.backend;

/**
 * Whether a backend can run here.
 *
 * @param usable whether {@link BackendProvider#open} can succeed
 * @param detail one sentence: what it would run on, or why it cannot and what to do about it
 */
public record Availability(boolean usable, String detail) {

  /** Returns that the backend can run. */
  public static Availability yes(String detail) {
    return new Availability(true, detail);
  }

  /** Returns that it cannot. */
  public static Availability no(String reason) {
    return new Availability(false, reason);
  }
}
