package io.github.vlm4j.core.graph;

/** What happens to the rows that a scatter names. */
public enum ScatterMode {
  /** They are replaced: image features taking the place of placeholder tokens. */
  REPLACE,
  /** They are added to: DeepStack features in the first decoder layers. */
  ADD
}
