package io.github.vlm4j.core.model;

import io.github.vlm4j.core.graph.Value;
import java.util.List;
import java.util.Optional;

/**
 * What a vision encoder computes. Everything is described; only what a graph's outputs need is ever
 * computed. A picture's rows are its prefix tokens, if the encoder has any, and then its patches
 * row by row; the pictures of a batch follow one another.
 *
 * @param hiddenStates {@code [rows, hidden]} each: the embeddings, then the output of every layer
 * @param attentions {@code [heads, rows, rows]} each: every layer's attention weights
 * @param lastHiddenState {@code [rows, hidden]}, as the reference implementation names it; in some
 *     families a final norm has been applied to it, in others not
 * @param prefixTokens how many rows of each picture come before its patches: 1 for a class token
 * @param pooled {@code [pictures, hidden]}: one row for each picture, if the encoder pools
 * @param projected {@code [pictures, dimension]}: the embeddings that are compared with those of
 *     texts, not normalised, if the encoder has them
 * @param patchEmbeddings {@code [patches, dimension]}: what each patch alone would be projected to,
 *     for showing where in a picture a match comes from (Zhou et al., "Extract Free Dense Labels
 *     from CLIP", 2022), if the encoder has it
 */
public record VisionFeatures(
    List<Value> hiddenStates,
    List<Value> attentions,
    Value lastHiddenState,
    int prefixTokens,
    Optional<Value> pooled,
    Optional<Value> projected,
    Optional<Value> patchEmbeddings) {

  /** Keeps immutable copies. */
  public VisionFeatures {
    hiddenStates = List.copyOf(hiddenStates);
    attentions = List.copyOf(attentions);
  }

  /** Returns the features of an encoder that has patches only and does not pool. */
  public static VisionFeatures ofPatches(
      List<Value> hiddenStates, List<Value> attentions, Value lastHiddenState) {
    return new VisionFeatures(
        hiddenStates,
        attentions,
        lastHiddenState,
        0,
        Optional.empty(),
        Optional.empty(),
        Optional.empty());
  }

  /** Returns these features with what the encoder pools; see {@link #projected}. */
  public VisionFeatures withPooled(Value pooledRows, Value projectedRows) {
    return new VisionFeatures(
        hiddenStates,
        attentions,
        lastHiddenState,
        prefixTokens,
        Optional.of(pooledRows),
        Optional.of(projectedRows),
        patchEmbeddings);
  }

  /** Returns these features with what each patch alone would be projected to. */
  public VisionFeatures withPatchEmbeddings(Value embeddings) {
    return new VisionFeatures(
        hiddenStates,
        attentions,
        lastHiddenState,
        prefixTokens,
        pooled,
        projected,
        Optional.of(embeddings));
  }
}
