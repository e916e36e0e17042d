/**
 * Dual encoders, CLIP and SigLIP: pictures and texts in one space. A checkpoint is recognised by
 * its {@code config.json} or by its tensor names, and put together from the encoders of the other
 * modules.
 */
@NullMarked
package io.github.vlm4j.models.clip;

import org.jspecify.annotations.NullMarked;
