/** Qwen3-VL (Bai et al., 2025), dense sizes. */
@NullMarked
package io.github.vlm4j.models.qwen3vl;

import org.jspecify.annotations.NullMarked;
