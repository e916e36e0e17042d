/** Text encoders: the towers that CLIP and SigLIP compare pictures with. */
@NullMarked
package io.github.vlm4j.text.encoder;

import org.jspecify.annotations.NullMarked;
