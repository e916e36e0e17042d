/**
 * Qwen's first generation (Bai et al., "Qwen Technical Report", 2023), alone or with a CLIP before
 * it.
 */
@NullMarked
package io.github.vlm4j.models.clipqwen;

import org.jspecify.annotations.NullMarked;
