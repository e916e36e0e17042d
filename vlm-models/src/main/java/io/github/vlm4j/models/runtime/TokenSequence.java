package io.github.vlm4j.models.runtime;

import io.github.vlm4j.core.model.TokenPositions;
import io.github.vlm4j.models.family.PreparedPrompt;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * All that keys and values in a decoder's cache depend on, token by token.
 *
 * @param ids the tokens
 * @param positions of the tokens and those to come
 * @param pictures whose embeddings stand in the place of tokens, in their order
 */
@SuppressWarnings(
    "ArrayRecordComponent") // Compared up to where two of them differ, not as a whole.
public record TokenSequence(int[] ids, TokenPositions positions, List<Placed> pictures) {

  /**
   * A picture in a sequence.
   *
   * @param key what it shows
   * @param rows for each of its embeddings, the index of its token, ascending
   */
  @SuppressWarnings("ArrayRecordComponent") // As above.
  public record Placed(PictureKey key, int[] rows) {

    boolean sameAs(Placed other) {
      return key.equals(other.key) && Arrays.equals(rows, other.rows);
    }

    int first() {
      return rows.length == 0 ? 0 : rows[0];
    }

    /** Returns whether all of its tokens are among the first of a sequence. */
    boolean within(int tokens) {
      return rows.length > 0 && rows[rows.length - 1] < tokens;
    }
  }

  /** Keeps an immutable copy of the pictures. */
  public TokenSequence {
    pictures = List.copyOf(pictures);
  }

  /** Returns the tokens of a prompt; its pictures are looked at, which takes milliseconds. */
  public static TokenSequence of(PreparedPrompt prompt) {
    return new TokenSequence(
        prompt.ids(),
        prompt.positions(),
        prompt.visuals().stream()
            .map(visual -> new Placed(PictureKey.of(visual), visual.rows()))
            .toList());
  }

  /** Returns this sequence with more tokens of text behind it. */
  TokenSequence followedBy(int[] more) {
    int[] all = IntStream.concat(Arrays.stream(ids), Arrays.stream(more)).toArray();
    return new TokenSequence(all, positions, pictures);
  }

  /** Returns the index of the first token that may be of another picture than in the other. */
  int firstOfOtherPicture(TokenSequence other) {
    int same = 0;
    while (same < pictures.size()
        && same < other.pictures.size()
        && pictures.get(same).sameAs(other.pictures.get(same))) {
      same++;
    }
    return Math.min(firstOf(same), other.firstOf(same));
  }

  private int firstOf(int picture) {
    return picture < pictures.size() ? pictures.get(picture).first() : Integer.MAX_VALUE;
  }
}
