package io.github.vlm4j.text.tokenizer;

/**
 * A token beside the model's vocabulary, found in the text before anything else.
 *
 * @param id its id
 * @param content how it is spelled
 * @param special whether decoding may leave it out
 * @param normalized whether it is looked for in normalised text
 */
record AddedToken(
    int id,
    String content,
    boolean special,
    boolean singleWord,
    boolean leftStrip,
    boolean rightStrip,
    boolean normalized) {

  /** The same token, found in the text as it is written, before it is normalised. */
  AddedToken asWritten() {
    return new AddedToken(id, content, special, singleWord, leftStrip, rightStrip, false);
  }
}
