package io.github.vlm4j.models.minimindv;

import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.InputException;
import io.github.vlm4j.models.chat.Message;
import io.github.vlm4j.models.chat.Part;
import io.github.vlm4j.models.family.ModelDescription;
import io.github.vlm4j.models.family.PictureProcessor;
import io.github.vlm4j.models.family.PreparedPicture;
import io.github.vlm4j.models.family.PreparedPrompt;
import io.github.vlm4j.models.family.PreparedVisual;
import io.github.vlm4j.models.family.PromptFiles;
import io.github.vlm4j.models.family.PromptProcessor;
import io.github.vlm4j.models.family.TemplateMessages;
import io.github.vlm4j.models.minimindv.MiniMindLayout.Connecting;
import io.github.vlm4j.models.minimindv.MiniMindLayout.Decoding;
import io.github.vlm4j.text.template.ChatTemplate;
import io.github.vlm4j.text.template.RenderedPrompt;
import io.github.vlm4j.text.tokenizer.Tokenizer;
import io.github.vlm4j.vision.image.Image;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * Conversations for MiniMind-V: the chat template and the tokenizer of its layout, and for every
 * picture as many placeholders as it has embeddings. Templates take plain texts, in which a picture
 * stands on a line of its own: the reference takes neighbouring placeholders for one picture, so
 * that something must be between two. Reference: {@code eval_vlm.py} and {@code
 * dataset/lm_dataset.py}.
 */
final class MiniMindVProcessor implements PromptProcessor {

  private final ChatTemplate template;
  private final Tokenizer tokenizer;
  private final PicturePlaceholder placeholder;
  private final Optional<MiniMindPictures> pictures;
  private final Optional<PictureProcessor> preparing;
  private final String withoutPictures;

  private MiniMindVProcessor(
      ChatTemplate template,
      Tokenizer tokenizer,
      PicturePlaceholder placeholder,
      Optional<MiniMindPictures> pictures,
      String withoutPictures) {
    this.template = template;
    this.tokenizer = tokenizer;
    this.placeholder = placeholder;
    this.pictures = pictures;
    this.preparing = pictures.map(MiniMindPictures::processor);
    this.withoutPictures = withoutPictures;
  }

  static MiniMindVProcessor open(ModelDescription model, MiniMindConfig config) {
    Path folder = model.parts().tokenizerPath();
    if (model.parts().tokenizer() == null && !Files.exists(folder.resolve("tokenizer.json"))) {
      throw new CheckpointException(
          "There is no tokenizer.json beside "
              + model.parts().model()
              + "; give the folder of the tokenizer with --tokenizer.");
    }
    Tokenizer tokenizer = PromptFiles.tokenizer(folder, config.decoder().vocabularySize());
    return new MiniMindVProcessor(
        PromptFiles.chatTemplate(folder),
        tokenizer,
        placeholder(config, tokenizer, folder),
        MiniMindPictures.read(model, config),
        config.layout().connector() == Connecting.NONE
            ? "This model is MiniMind's decoder alone and reads no pictures; leave them out."
            : "The weights in "
                + model.parts().model()
                + " leave the vision encoder out; give its folder with --vision-model.");
  }

  private static PicturePlaceholder placeholder(
      MiniMindConfig config, Tokenizer tokenizer, Path folder) {
    int id = config.imageId();
    String published = config.layout().decoder() == Decoding.QUERY_KEY_NORM ? "<|image_pad|>" : "@";
    String spelling = id < tokenizer.vocabularySize() ? tokenizer.tokenOf(id) : "nothing";
    if (!config.config().has("image_ids")
        && config.layout().connector() != Connecting.NONE
        && !spelling.equals(published)) {
      throw new CheckpointException(
          "In the tokenizer in %s the id %d is %s, where this layout of MiniMind-V has %s, which stands for pictures; give the tokenizer that the model was trained with."
              .formatted(folder, id, spelling, published));
    }
    return new PicturePlaceholder(spelling, id);
  }

  @Override
  public Tokenizer tokenizer() {
    return tokenizer;
  }

  @Override
  public PreparedVisual prepare(Image image) {
    PreparedPicture picture = picture(image);
    int tokens = pictures.orElseThrow().tokens();
    return new PreparedVisual(
        picture.pixels(), picture.grid(), IntStream.range(0, tokens).toArray());
  }

  private PreparedPicture picture(Image image) {
    return preparing.orElseThrow(() -> new InputException(withoutPictures)).prepare(image);
  }

  @Override
  public PreparedPrompt prepare(List<Message> messages) {
    List<PreparedPicture> prepared = new ArrayList<>();
    for (Message message : messages) {
      for (Part part : message.parts()) {
        switch (part) {
          case Part.Picture picture -> prepared.add(picture(picture.image()));
          case Part.Video video ->
              throw new InputException(
                  "MiniMind-V reads pictures, not videos; give frames as pictures.");
          case Part.Text text -> {}
        }
      }
    }
    RenderedPrompt rendered = template.render(TemplateMessages.ofTexts(messages, this::content));
    int tokens = pictures.map(MiniMindPictures::tokens).orElse(0);
    return placeholder.expand(rendered, tokenizer.encode(rendered), prepared, tokens);
  }

  /** The text of a message, in which each picture is a line of its own. */
  private RenderedPrompt content(Message message) {
    List<RenderedPrompt> lines = new ArrayList<>();
    boolean lineEnded = true;
    boolean afterPicture = false;
    for (Part part : message.parts()) {
      if (part instanceof Part.Text text) {
        if (text.text().isEmpty()) {
          continue;
        }
        if (afterPicture && !text.text().startsWith("\n")) {
          lines.add(RenderedPrompt.untrusted("\n"));
        }
        lines.add(RenderedPrompt.untrusted(text.text()));
        lineEnded = text.text().endsWith("\n");
        afterPicture = false;
      } else {
        if (!lineEnded) {
          lines.add(RenderedPrompt.untrusted("\n"));
        }
        lines.add(RenderedPrompt.trusted(placeholder.spelling()));
        lineEnded = false;
        afterPicture = true;
      }
    }
    return RenderedPrompt.join(lines);
  }
}
