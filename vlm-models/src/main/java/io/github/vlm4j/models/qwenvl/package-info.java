/** Qwen2-VL (Wang et al., 2024), Qwen2.5-VL (Bai et al., 2025) and Qwen3-VL (Bai et al., 2025). */
@NullMarked
package io.github.vlm4j.models.qwenvl;

import org.jspecify.annotations.NullMarked;
