/** MiniMind-V: CLIP or SigLIP 2, a small connector, and MiniMind's decoder, in all its layouts. */
@NullMarked
package io.github.vlm4j.models.minimindv;

import org.jspecify.annotations.NullMarked;
