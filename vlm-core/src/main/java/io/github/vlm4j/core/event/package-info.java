/** Flight Recorder events of a model's work: loading, encoding pictures, reading and writing. */
@NullMarked
package io.github.vlm4j.core.event;

import org.jspecify.annotations.NullMarked;
