package io.github.vlm4j.text.tokenizer;

/**
 * A token beside the model's vocabulary, found in the text before anything else.
 *
 * @param id its id
 * @param content how it is spelled
 * @param special whether decoding may leave it out
 */
record AddedToken(
    int id,
    String content,
    boolean special,
    boolean singleWord,
    boolean leftStrip,
    boolean rightStrip,
    boolean normalized) {}
