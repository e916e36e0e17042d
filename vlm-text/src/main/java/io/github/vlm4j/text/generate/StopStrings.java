package io.github.vlm4j.text.generate;

import io.github.vlm4j.core.InputException;
import java.util.List;

/**
 * Watches a stream of text for strings that end it. What could still become a stop string is held
 * back, so that no part of one is ever passed on.
 */
public final class StopStrings {

  private final List<String> stops;
  private final StringBuilder held = new StringBuilder();
  private boolean stopped;

  /**
   * Watches for some strings.
   *
   * @throws InputException if one is empty
   */
  public StopStrings(List<String> stops) {
    if (stops.stream().anyMatch(String::isEmpty)) {
      throw new InputException("A stop string is empty; give at least one character.");
    }
    this.stops = List.copyOf(stops);
  }

  /** Returns whether a stop string has appeared. */
  public boolean stopped() {
    return stopped;
  }

  /**
   * Takes the next piece of text.
   *
   * @return what can be passed on now, possibly empty
   */
  public String accept(String piece) {
    if (stopped) {
      return "";
    }
    held.append(piece);
    int stopAt = earliestStop();
    if (stopAt >= 0) {
      stopped = true;
      return take(stopAt);
    }
    return take(held.length() - longestOpenPrefix());
  }

  /** Takes the end of the stream and returns what was held back. */
  public String finish() {
    return stopped ? "" : take(held.length());
  }

  private String take(int length) {
    String text = held.substring(0, length);
    held.delete(0, length);
    return text;
  }

  /** Of several, the one that is complete first, so that it does not matter how text is cut up. */
  private int earliestStop() {
    int earliest = -1;
    int earliestEnd = Integer.MAX_VALUE;
    for (String stop : stops) {
      int at = held.indexOf(stop);
      int end = at + stop.length();
      if (at >= 0 && (end < earliestEnd || end == earliestEnd && at < earliest)) {
        earliest = at;
        earliestEnd = end;
      }
    }
    return earliest;
  }

  private int longestOpenPrefix() {
    int longest = 0;
    for (String stop : stops) {
      for (int length = Math.min(stop.length() - 1, held.length()); length > longest; length--) {
        if (held.indexOf(stop.substring(0, length), held.length() - length) >= 0) {
          longest = length;
        }
      }
    }
    return longest;
  }
}
