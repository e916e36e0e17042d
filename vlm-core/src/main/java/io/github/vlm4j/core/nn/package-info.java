/** The small layers that models are made of: parameters taken by name, applied to graph values. */
@NullMarked
package io.github.vlm4j.core.nn;

import org.jspecify.annotations.NullMarked;
