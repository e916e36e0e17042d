/** A small closed engine for the Jinja chat templates that come with checkpoints. */
@NullMarked
package io.github.vlm4j.text.template;

import org.jspecify.annotations.NullMarked;
