package io.github.vlm4j.backend.cpu.emitted;

import java.util.ArrayList;
import java.util.List;

/** A place in code that jumps lead to, before or after it is known. */
final class Label {

  private static final int UNKNOWN = -1;

  /** Where the distances lie that are filled in once the place is known. */
  final List<Integer> waiting = new ArrayList<>();

  private int position = UNKNOWN;

  /** Returns whether the place is known. */
  boolean isPlaced() {
    return position != UNKNOWN;
  }

  /** Returns the place. */
  int position() {
    if (!isPlaced()) {
      throw new IllegalStateException("The label was not placed");
    }
    return position;
  }

  /** Sets the place, once. */
  void place(int at) {
    if (isPlaced()) {
      throw new IllegalStateException("The label was placed twice");
    }
    position = at;
  }
}
