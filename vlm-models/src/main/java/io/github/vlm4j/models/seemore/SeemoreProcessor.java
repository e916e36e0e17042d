package io.github.vlm4j.models.seemore;

import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.InputException;
import io.github.vlm4j.core.model.TokenPositions;
import io.github.vlm4j.models.chat.Message;
import io.github.vlm4j.models.chat.Part;
import io.github.vlm4j.models.clip.FixedPictures;
import io.github.vlm4j.models.family.ModelDescription;
import io.github.vlm4j.models.family.PictureProcessor;
import io.github.vlm4j.models.family.PreparedPicture;
import io.github.vlm4j.models.family.PreparedPrompt;
import io.github.vlm4j.models.family.PreparedVisual;
import io.github.vlm4j.models.family.PromptProcessor;
import io.github.vlm4j.text.tokenizer.CharacterTokenizer;
import io.github.vlm4j.text.tokenizer.Tokenizer;
import io.github.vlm4j.vision.image.Image;
import io.github.vlm4j.vision.preprocess.ClipImageConfig;
import io.github.vlm4j.vision.preprocess.ClipImageProcessor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Texts for seemore, which knows no turns: it goes on with what has been said, one message after
 * the other, and a picture stands before it all. Reference: github.com/AviSoori1x/seemore, {@code
 * seemore.py}, {@code encode} and {@code base64_to_tensor}.
 */
final class SeemoreProcessor implements PromptProcessor {

  private static final String TEXT = "input.txt";
  private static final String TOKENIZER = "tokenizer.json";

  /** The picture's row is filled in, whatever token stands there. */
  private static final int PLACEHOLDER = 0;

  private final Tokenizer tokenizer;
  private final PictureProcessor pictures;

  private SeemoreProcessor(Tokenizer tokenizer, PictureProcessor pictures) {
    this.tokenizer = tokenizer;
    this.pictures = pictures;
  }

  static SeemoreProcessor open(ModelDescription model, SeemoreConfig config) {
    int size = config.vision().imageSize();
    return new SeemoreProcessor(
        tokenizer(model, config),
        new FixedPictures(
            new ClipImageProcessor(ClipImageConfig.imageNet(size)),
            size,
            config.vision().patchSize(),
            true));
  }

  /**
   * Opens the tokenizer: a text file, or a folder with a {@code tokenizer.json} or an {@code
   * input.txt}.
   *
   * @throws CheckpointException if there is none, or it is of another model
   */
  static Tokenizer tokenizer(ModelDescription model, SeemoreConfig config) {
    Path path = model.parts().tokenizerPath();
    Tokenizer tokenizer =
        Files.exists(path.resolve(TOKENIZER))
            ? Tokenizer.load(path)
            : CharacterTokenizer.read(text(path));
    if (tokenizer.vocabularySize() != config.text().vocabularySize()) {
      throw new CheckpointException(
          "The tokenizer of "
              + path
              + " has "
              + tokenizer.vocabularySize()
              + " tokens, but decoder.token_embedding_table.weight has "
              + config.text().vocabularySize()
              + " rows; give the text that this model was trained on with --tokenizer.");
    }
    return tokenizer;
  }

  private static Path text(Path path) {
    if (!Files.isDirectory(path)) {
      return path;
    }
    Path text = path.resolve(TEXT);
    if (!Files.exists(text)) {
      throw new CheckpointException(
          "There is no "
              + TEXT
              + " in "
              + path
              + "; the vocabulary of a seemore model is the characters of the text that it was"
              + " trained on, give that with --tokenizer FILE.");
    }
    return text;
  }

  @Override
  public Tokenizer tokenizer() {
    return tokenizer;
  }

  @Override
  public PreparedPrompt prepare(List<Message> messages) {
    StringBuilder text = new StringBuilder();
    PreparedVisual visual = null;
    for (Message message : messages) {
      for (Part part : message.parts()) {
        switch (part) {
          case Part.Text words -> text.append(words.text());
          case Part.Picture picture -> {
            if (visual != null) {
              throw new InputException(
                  "This model reads one picture before the text; leave out the others.");
            }
            visual = prepare(picture.image());
          }
          case Part.Video _ ->
              throw new InputException("This model reads pictures; it cannot read videos.");
        }
      }
    }
    int[] ids = tokenizer.encode(text.toString());
    if (visual != null) {
      ids = IntStream.concat(IntStream.of(PLACEHOLDER), IntStream.of(ids)).toArray();
    }
    if (ids.length == 0) {
      throw new InputException(
          "There is neither text nor a picture; this model needs something to go on with.");
    }
    return new PreparedPrompt(
        text.toString(),
        ids,
        visual == null ? List.of() : List.of(visual),
        TokenPositions.sequential(ids.length));
  }

  @Override
  public PreparedVisual prepare(Image image) {
    PreparedPicture picture = pictures.prepare(image);
    return new PreparedVisual(picture.pixels(), picture.grid(), new int[] {0});
  }
}
