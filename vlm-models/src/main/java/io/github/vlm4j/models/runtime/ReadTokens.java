package io.github.vlm4j.models.runtime;

import io.github.vlm4j.core.model.Decoder;
import io.github.vlm4j.core.model.TokenPositions;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** What the tokens are whose keys and values a cache holds. */
final class ReadTokens {

  private final Decoder decoder;
  private int[] ids = new int[0];
  private @Nullable TokenSequence sequence;

  ReadTokens(Decoder decoder) {
    this.decoder = decoder;
  }

  /** Makes room, so that taking a token allocates nothing. */
  void reserve(int tokens) {
    ids = Arrays.copyOf(ids, Math.max(ids.length, tokens));
  }

  /** Says that nothing is known of the tokens to come but their ids. */
  void forget() {
    sequence = null;
  }

  /** Takes the sequence that those read belong to and those to come will belong to. */
  void belongTo(TokenSequence next) {
    sequence = next;
  }

  void put(int index, int id) {
    ids[index] = id;
  }

  /**
   * Returns how many of the tokens read would be read again, in the same place, for a sequence.
   *
   * @param length how many have been read
   */
  int shared(TokenSequence next, int length) {
    if (sequence == null || !decoder.continues(sequence.positions(), next.positions())) {
      return 0;
    }
    int limit = Math.min(length, Math.min(next.ids().length, sequence.firstOfOtherPicture(next)));
    int shared = 0;
    while (shared < limit
        && ids[shared] == next.ids()[shared]
        && samePosition(sequence.positions(), next.positions(), shared)) {
      shared++;
    }
    return shared;
  }

  private static boolean samePosition(TokenPositions a, TokenPositions b, int token) {
    return a.time(token) == b.time(token)
        && a.height(token) == b.height(token)
        && a.width(token) == b.width(token);
  }
}
