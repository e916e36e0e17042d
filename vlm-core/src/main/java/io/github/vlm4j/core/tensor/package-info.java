/** Typed, shaped views of memory: the data that checkpoints hold and backends read. */
@NullMarked
package io.github.vlm4j.core.tensor;

import org.jspecify.annotations.NullMarked;
