/**
 * The files of a model folder: configurations in JSON, weights in safetensors or as PyTorch saves
 * them, all hostile until they have been validated.
 */
@NullMarked
package io.github.vlm4j.core.checkpoint;

import org.jspecify.annotations.NullMarked;
