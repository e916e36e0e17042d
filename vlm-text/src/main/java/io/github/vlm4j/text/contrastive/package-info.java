/** Tokenizers of the text encoders of contrastive models: CLIP, SigLIP and SigLIP 2. */
@NullMarked
package io.github.vlm4j.text.contrastive;

import org.jspecify.annotations.NullMarked;
