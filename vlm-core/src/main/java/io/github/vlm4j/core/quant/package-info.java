/**
 * Block-quantised numbers, as ggml lays them out: what a block means, and how numbers become
 * blocks.
 */
@NullMarked
package io.github.vlm4j.core.quant;

import org.jspecify.annotations.NullMarked;
