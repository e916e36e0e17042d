/**
 * The files of a model folder: configurations in JSON and weights in safetensors, both hostile
 * until they have been validated.
 */
@NullMarked
package io.github.vlm4j.core.checkpoint;

import org.jspecify.annotations.NullMarked;
