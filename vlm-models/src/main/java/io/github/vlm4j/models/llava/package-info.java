/** LLaVA: CLIP or SigLIP, an MLP, and any decoder. */
@NullMarked
package io.github.vlm4j.models.llava;

import org.jspecify.annotations.NullMarked;
