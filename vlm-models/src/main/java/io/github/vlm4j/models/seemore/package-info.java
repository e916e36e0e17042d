/** The from-scratch tutorial model seemore, put together. */
@NullMarked
package io.github.vlm4j.models.seemore;

import org.jspecify.annotations.NullMarked;
