package io.github.vlm4j.models.family;

import io.github.vlm4j.core.model.PatchGrid;

/**
 * A picture or video ready for the encoder, and the place of its embeddings in the prompt.
 *
 * @param pixels as {@link VisualPath#pixelShape} says, row-major
 * @param grid how the pixels are cut into patches
 * @param rows for each embedding, the index of its placeholder token in the prompt, ascending
 */
@SuppressWarnings("ArrayRecordComponent") // Megabytes of pixels are handed over, not compared.
public record PreparedVisual(float[] pixels, PatchGrid grid, int[] rows) {}
