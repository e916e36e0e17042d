/** What a model family has to say for itself, so that one runtime serves them all. */
@NullMarked
package io.github.vlm4j.models.family;

import org.jspecify.annotations.NullMarked;
