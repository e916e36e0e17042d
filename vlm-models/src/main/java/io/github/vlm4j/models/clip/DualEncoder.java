package io.github.vlm4j.models.clip;

import io.github.vlm4j.core.model.TextEncoder;
import io.github.vlm4j.core.model.VisionEncoder;
import io.github.vlm4j.core.weights.Weight;
import org.jspecify.annotations.Nullable;

/**
 * The layers of a dual encoder, put together. Checkpoints of one tower alone lack the other and the
 * logits' parameters.
 *
 * @param vision encodes pictures; null if the checkpoint has texts only
 * @param text encodes texts; null if the checkpoint has pictures only
 * @param scoring how logits become probabilities
 * @param logitScale the logarithm of what cosines are multiplied with, one element, or null
 * @param logitBias what is then added, one element; null for CLIP
 * @param dimension the length of an embedding
 */
public record DualEncoder(
    @Nullable VisionEncoder vision,
    @Nullable TextEncoder text,
    Scoring scoring,
    @Nullable Weight logitScale,
    @Nullable Weight logitBias,
    int dimension) {}
