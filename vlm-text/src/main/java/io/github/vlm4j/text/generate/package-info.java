/** From logits to text: choosing tokens, knowing when to stop. */
@NullMarked
package io.github.vlm4j.text.generate;

import org.jspecify.annotations.NullMarked;
