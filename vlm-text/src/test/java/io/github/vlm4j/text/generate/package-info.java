/** Tests of the choosing of tokens. */
@org.jspecify.annotations.NullMarked
package io.github.vlm4j.text.generate;
