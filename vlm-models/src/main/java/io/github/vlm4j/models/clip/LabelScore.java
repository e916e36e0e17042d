package io.github.vlm4j.models.clip;

/**
 * How well a label fits a picture.
 *
 * @param label as it was given
 * @param logit the scaled cosine of the embeddings, plus a bias if the model has one
 * @param probability among all labels (CLIP), or of this label alone (SigLIP)
 */
public record LabelScore(String label, float logit, float probability) {}
