@NullMarked
package io.github.vlm4j.text.tokenizer;

import org.jspecify.annotations.NullMarked;
