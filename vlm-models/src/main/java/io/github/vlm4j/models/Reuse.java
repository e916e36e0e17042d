package io.github.vlm4j.models;

/**
 * What a model keeps of a request for those that follow. Answers are the same with and without it,
 * but for the rounding of sums that are taken in another order.
 *
 * @param conversation whether a prompt that begins as the one before goes on from there: its first
 *     tokens are not read again as long as they, their positions and the pictures among them are
 *     the same; costs no memory
 * @param featureBytes how many bytes of pictures' features are kept, so that a picture that comes
 *     again is not encoded again; those not used for longest go first, and 0 keeps none
 */
public record Reuse(boolean conversation, long featureBytes) {

  /** Nothing is kept. */
  public static final Reuse NONE = new Reuse(false, 0);

  private static final long MAX_FEATURE_BYTES = 256L << 20;

  /** Checks that the number of bytes is not negative. */
  public Reuse {
    if (featureBytes < 0) {
      throw new IllegalArgumentException("Features cannot be kept in " + featureBytes + " bytes");
    }
  }

  /**
   * Returns what is kept unless something else is asked for: the conversation, and features in up
   * to 256 MiB or an eighth of the Java heap.
   */
  public static Reuse standard() {
    return new Reuse(true, Math.min(MAX_FEATURE_BYTES, Runtime.getRuntime().maxMemory() / 8));
  }
}
