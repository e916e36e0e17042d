package io.github.vlm4j.models.minimindv;

import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.InputException;
import io.github.vlm4j.core.model.TokenPositions;
import io.github.vlm4j.models.family.PreparedPicture;
import io.github.vlm4j.models.family.PreparedPrompt;
import io.github.vlm4j.models.family.PreparedVisual;
import io.github.vlm4j.text.template.RenderedPrompt;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The token that stands for a picture. In the early layouts it is {@code @}, which people write,
 * too, so that the prompt's own memory of where its characters come from has to tell pictures from
 * text: the n-th such token is the n-th such character, as the tokenizer never joins it with
 * others.
 *
 * @param spelling the token, as it is written
 * @param id its id
 */
record PicturePlaceholder(String spelling, int id) {

  /**
   * Returns the prompt as the decoder reads it.
   *
   * @param rendered the rendered template, one trusted placeholder for each picture
   * @param ids its tokens
   * @param pictures the pictures in their order
   * @param tokens how many embeddings a picture has
   * @throws InputException if there are not as many placeholders as pictures
   */
  PreparedPrompt expand(
      RenderedPrompt rendered, int[] ids, List<PreparedPicture> pictures, int tokens) {
    BitSet standing = standing(rendered, ids);
    if (standing.cardinality() != pictures.size()) {
      throw new InputException(
          "The conversation has "
              + pictures.size()
              + " picture(s) but the model's chat template made "
              + standing.cardinality()
              + " placeholder(s) for them; put pictures into user messages only.");
    }
    IntStream.Builder expanded = IntStream.builder();
    List<PreparedVisual> visuals = new ArrayList<>();
    int length = 0;
    for (int i = 0; i < ids.length; i++) {
      int count = standing.get(i) ? tokens : 1;
      if (standing.get(i)) {
        PreparedPicture picture = pictures.get(visuals.size());
        int[] rows = IntStream.range(length, length + count).toArray();
        visuals.add(new PreparedVisual(picture.pixels(), picture.grid(), rows));
      }
      for (int j = 0; j < count; j++) {
        expanded.add(ids[i]);
      }
      length += count;
    }
    return new PreparedPrompt(
        rendered.text(), expanded.build().toArray(), visuals, TokenPositions.sequential(length));
  }

  /** Returns which of the tokens stand for pictures. */
  private BitSet standing(RenderedPrompt rendered, int[] ids) {
    List<Boolean> written = written(rendered);
    int[] found = IntStream.range(0, ids.length).filter(i -> ids[i] == id).toArray();
    // Control tokens come from trusted text only; what only looks like one is other tokens.
    List<Boolean> tokens =
        found.length == written.size()
            ? written
            : written.stream().filter(trusted -> trusted).toList();
    if (found.length != tokens.size()) {
      throw new CheckpointException(
          "The tokenizer joins the placeholder %s of pictures with other characters; it is not that of MiniMind-V."
              .formatted(spelling));
    }
    BitSet standing = new BitSet();
    for (int i = 0; i < found.length; i++) {
      standing.set(found[i], tokens.get(i));
    }
    return standing;
  }

  /** Returns for each time that the placeholder is written whether the template did it. */
  private List<Boolean> written(RenderedPrompt rendered) {
    List<Boolean> written = new ArrayList<>();
    for (RenderedPrompt.Span span : rendered.spans()) {
      int at = rendered.text().indexOf(spelling, span.start());
      while (at >= 0 && at + spelling.length() <= span.end()) {
        written.add(span.trusted());
        at = rendered.text().indexOf(spelling, at + spelling.length());
      }
    }
    return written;
  }
}
