package io.github.vlm4j.text.encoder;

/**
 * How CLIP finds the token that stands for a text: the one that ends it.
 *
 * @param token the id of the token that ends a text, or {@link #GREATEST}
 */
public record EndOfText(int token) {

  /** Stands for whichever token has the greatest id, as ends have in OpenAI's vocabulary. */
  public static final int GREATEST = -1;

  /**
   * What {@code eos_token_id} was in configurations written before 2023, wrongly. The reference
   * takes it as a sign to look for the greatest id instead, and so do we.
   */
  private static final int HISTORICAL = 2;

  /** Returns OpenAI's rule: the first token of the greatest id. */
  public static EndOfText greatest() {
    return new EndOfText(GREATEST);
  }

  /**
   * Returns Hugging Face's rule: the first {@code eos_token_id}, or the greatest id if that field
   * has its historical value.
   */
  public static EndOfText ofEosTokenId(int eosTokenId) {
    return new EndOfText(eosTokenId == HISTORICAL ? GREATEST : eosTokenId);
  }

  /** Returns the index of the token that ends a text; 0 if there is none, as the reference has. */
  int find(int[] ids) {
    int best = 0;
    for (int i = 0; i < ids.length; i++) {
      if (token == GREATEST) {
        best = ids[i] > ids[best] ? i : best;
      } else if (ids[i] == token) {
        return i;
      }
    }
    return best;
  }
}
