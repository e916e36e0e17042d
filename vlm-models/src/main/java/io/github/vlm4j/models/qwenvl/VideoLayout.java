package io.github.vlm4j.models.qwenvl;

/** How a video stands in a prompt, and how its embeddings know when they were. */
sealed interface VideoLayout {

  /** One run of placeholders, each temporal patch one position later: Qwen2-VL. */
  record Counted() implements VideoLayout {}

  /**
   * One run of placeholders, each temporal patch as many positions later as its time says:
   * Qwen2.5-VL.
   *
   * @param tokensPerSecond the positions that a second takes
   */
  record Timed(int tokensPerSecond) implements VideoLayout {}

  /** A run of placeholders for each temporal patch, behind words that say when: Qwen3-VL. */
  record Timestamped() implements VideoLayout {}
}
