package io.github.vlm4j.models.family;

import io.github.vlm4j.core.InputException;
import io.github.vlm4j.core.model.TokenPositions;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToIntFunction;
import java.util.stream.IntStream;

/**
 * Puts as many rows in the place of each picture's placeholder as the picture has embeddings, for
 * families whose positions simply count tokens.
 *
 * @param placeholder the id of the token that stands for a picture
 * @param embeddings how many embeddings a picture becomes
 */
public record PlaceholderExpansion(int placeholder, ToIntFunction<PreparedPicture> embeddings) {

  /**
   * Returns the prompt as the decoder reads it.
   *
   * @param text the rendered prompt
   * @param ids its tokens, one placeholder for each picture
   * @param pictures the pictures in their order
   * @throws InputException if there are not as many placeholders as pictures
   */
  public PreparedPrompt expand(String text, int[] ids, List<PreparedPicture> pictures) {
    long found = IntStream.of(ids).filter(id -> id == placeholder).count();
    if (found != pictures.size()) {
      throw new InputException(
          "The conversation has "
              + pictures.size()
              + " picture(s) but the model's chat template made "
              + found
              + " placeholder(s) for them; put pictures into user messages only.");
    }
    IntStream.Builder expanded = IntStream.builder();
    List<PreparedVisual> visuals = new ArrayList<>();
    int length = 0;
    for (int id : ids) {
      int count = 1;
      if (id == placeholder) {
        PreparedPicture picture = pictures.get(visuals.size());
        count = embeddings.applyAsInt(picture);
        int[] rows = IntStream.range(length, length + count).toArray();
        visuals.add(new PreparedVisual(picture.pixels(), picture.grid(), rows));
      }
      for (int i = 0; i < count; i++) {
        expanded.add(id);
      }
      length += count;
    }
    return new PreparedPrompt(
        text, expanded.build().toArray(), visuals, TokenPositions.sequential(length));
  }
}
