package io.github.vlm4j.models.family;

import io.github.vlm4j.core.model.TokenPositions;
import java.util.List;

/**
 * A conversation as the decoder reads it.
 *
 * @param text the rendered template, placeholders not expanded
 * @param ids the tokens, one placeholder for each embedding
 * @param visuals pictures and videos in the order of the conversation
 * @param positions of the tokens and those to come
 */
@SuppressWarnings("ArrayRecordComponent") // Prompts are handed over, not compared.
public record PreparedPrompt(
    String text, int[] ids, List<PreparedVisual> visuals, TokenPositions positions) {

  /** Keeps an immutable copy of the visuals. */
  public PreparedPrompt {
    visuals = List.copyOf(visuals);
  }

  /** Returns the number of tokens that stand for pictures. */
  public int imageTokens() {
    return visuals.stream().mapToInt(visual -> visual.rows().length).sum();
  }
}
