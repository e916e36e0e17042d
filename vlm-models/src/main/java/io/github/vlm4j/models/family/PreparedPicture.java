package io.github.vlm4j.models.family;

import io.github.vlm4j.core.model.PatchGrid;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.vision.preprocess.SeenRegion;

/**
 * A picture ready for the encoder.
 *
 * @param pixels as the encoder's {@code pixelShape} says, row-major
 * @param grid one frame and how it is cut into patches
 * @param pixelValues the same numbers as the reference arranges them
 * @param seen the part of the picture that they show
 */
@SuppressWarnings("ArrayRecordComponent") // Pixels are handed over, not compared.
public record PreparedPicture(
    float[] pixels, PatchGrid grid, Tensor pixelValues, SeenRegion seen) {}
