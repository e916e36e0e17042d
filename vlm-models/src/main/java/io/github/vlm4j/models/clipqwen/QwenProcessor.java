package io.github.vlm4j.models.clipqwen;

import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.InputException;
import io.github.vlm4j.models.chat.Message;
import io.github.vlm4j.models.chat.Part;
import io.github.vlm4j.models.family.ModelDescription;
import io.github.vlm4j.models.family.PictureProcessor;
import io.github.vlm4j.models.family.PlaceholderExpansion;
import io.github.vlm4j.models.family.PreparedPicture;
import io.github.vlm4j.models.family.PreparedPrompt;
import io.github.vlm4j.models.family.PreparedVisual;
import io.github.vlm4j.models.family.PromptFiles;
import io.github.vlm4j.models.family.PromptProcessor;
import io.github.vlm4j.models.family.TemplateMessages;
import io.github.vlm4j.text.template.ChatTemplate;
import io.github.vlm4j.text.template.RenderedPrompt;
import io.github.vlm4j.text.tokenizer.Tokenizer;
import io.github.vlm4j.text.tokenizer.TokenizerConfig;
import io.github.vlm4j.vision.image.Image;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * Conversations for Qwen's first generation: ChatML, which its code writes itself unless the folder
 * has a template, its tokenizer, and {@code <|extra_0|>} wherever a picture stands. References:
 * {@code make_context} in {@code qwen_generation_utils.py} of Qwen-7B-Chat; WatchTower-Liu/
 * VLM-learning, {@code dataset/image_caption_dataset.py}, which trains on pictures as CLIP's own
 * processor prepares them.
 */
final class QwenProcessor implements PromptProcessor {

  private static final String PICTURE = "<|extra_0|>";

  /** What {@code chat} of the model's code says first if nothing else is asked for. */
  private static final String ASSISTANT = "You are a helpful assistant.";

  /** What VLM-learning says first, in training and after: "You are an assistant for pictures." */
  private static final String PICTURE_ASSISTANT = "你是一位图像理解助手。";

  private static final ChatTemplate CHAT_ML =
      ChatTemplate.parse(
          """
          {%- macro turn(role, content) -%}
          {{ '<|im_start|>' + role + '\\n' + content + '<|im_end|>\\n' }}
          {%- endmacro -%}
          {%- if messages[0]['role'] != 'system' -%}{{ turn('system', system) }}{%- endif -%}
          {%- for message in messages -%}
          {{ turn(message['role'], message['content']) }}
          {%- endfor -%}
          {{ '<|im_start|>assistant\\n' }}
          """,
          "of Qwen");

  private final ChatTemplate template;
  private final Tokenizer tokenizer;
  private final Optional<PictureProcessor> pictures;
  private final PlaceholderExpansion expansion;

  private QwenProcessor(
      ChatTemplate template,
      Tokenizer tokenizer,
      Optional<PictureProcessor> pictures,
      PlaceholderExpansion expansion) {
    this.template = template;
    this.tokenizer = tokenizer;
    this.pictures = pictures;
    this.expansion = expansion;
  }

  static QwenProcessor open(ModelDescription model, QwenConfig config) {
    Path folder = model.parts().tokenizerPath();
    Tokenizer tokenizer = PromptFiles.tokenizer(folder, config.decoder().vocabularySize());
    int placeholder =
        tokenizer
            .idOf(PICTURE)
            .orElseThrow(() ->
                new CheckpointException(
                    "The tokenizer in "
                        + folder
                        + " has no token "
                        + PICTURE
                        + ", which stands for a picture; it is not that of Qwen's first"
                        + " generation."));
    Optional<PictureProcessor> pictures =
        model.parts().vision().map(vision -> ClipQwen.tower(model).pictures(vision));
    ChatTemplate template =
        TokenizerConfig.load(folder)
            .chatTemplate()
            .orElse(
                CHAT_ML.withConstants(
                    Map.of("system", pictures.isPresent() ? PICTURE_ASSISTANT : ASSISTANT)));
    return new QwenProcessor(
        template,
        tokenizer,
        pictures,
        new PlaceholderExpansion(placeholder, picture -> picture.grid().patches()));
  }

  @Override
  public Tokenizer tokenizer() {
    return tokenizer;
  }

  @Override
  public PreparedVisual prepare(Image image) {
    PreparedPicture picture = preparedPicture(image);
    int tokens = expansion.embeddings().applyAsInt(picture);
    return new PreparedVisual(
        picture.pixels(), picture.grid(), IntStream.range(0, tokens).toArray());
  }

  @Override
  public PreparedPrompt prepare(List<Message> messages) {
    List<PreparedPicture> prepared = new ArrayList<>();
    for (Message message : messages) {
      for (Part part : message.parts()) {
        if (part instanceof Part.Picture picture) {
          prepared.add(preparedPicture(picture.image()));
        }
      }
    }
    RenderedPrompt rendered =
        template.render(TemplateMessages.ofTexts(messages, QwenProcessor::content));
    return expansion.expand(rendered.text(), tokenizer.encode(rendered), prepared);
  }

  private static RenderedPrompt content(Message message) {
    List<RenderedPrompt> parts = new ArrayList<>();
    for (Part part : message.parts()) {
      parts.add(
          switch (part) {
            case Part.Text text -> RenderedPrompt.untrusted(text.text());
            case Part.Picture picture -> RenderedPrompt.trusted(PICTURE);
            case Part.Video video ->
                throw new InputException(
                    "This model reads pictures, not videos; give frames as pictures.");
          });
    }
    return RenderedPrompt.join(parts);
  }

  private PreparedPicture preparedPicture(Image image) {
    return pictures
        .orElseThrow(() ->
            new InputException(
                "This model was opened for text alone; give it a vision model (--vision-model) and"
                    + " the projection between the two (--connector) to show it pictures."))
        .prepare(image);
  }
}
