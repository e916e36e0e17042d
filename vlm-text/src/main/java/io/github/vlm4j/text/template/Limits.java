package io.github.vlm4j.text.template;

/**
 * What a template may use up. The defaults leave room for prompts of millions of characters.
 *
 * @param sourceChars length of the template
 * @param parseDepth nesting of expressions and blocks
 * @param evaluationDepth nesting of evaluation, macro calls included
 * @param iterations passes through loops, all loops of one rendering together
 * @param outputChars length of any string, the output included
 * @param work expressions evaluated plus characters and elements produced
 */
record Limits(
    int sourceChars,
    int parseDepth,
    int evaluationDepth,
    long iterations,
    int outputChars,
    long work) {

  static final Limits DEFAULT = new Limits(1 << 20, 100, 256, 1_000_000, 16 << 20, 128L << 20);
}
