/** Tokenizers, chat templates and text decoders. */
@org.jspecify.annotations.NullMarked
package io.github.vlm4j.text;
