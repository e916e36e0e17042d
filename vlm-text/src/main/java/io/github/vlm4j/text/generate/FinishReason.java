package io.github.vlm4j.text.generate;

/** Why an answer ended. */
public enum FinishReason {
  /** The model said so, or a stop string appeared. */
  STOP,
  /** The number of new tokens that was asked for, or the context, was used up. */
  LENGTH,
  /** The caller no longer wanted it. */
  CANCELLED
}
