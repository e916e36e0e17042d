package io.github.vlm4j.models.text;

import io.github.vlm4j.core.InputException;
import io.github.vlm4j.core.checkpoint.CompanionFiles;
import io.github.vlm4j.core.model.TokenPositions;
import io.github.vlm4j.models.chat.Message;
import io.github.vlm4j.models.chat.Part;
import io.github.vlm4j.models.chat.Role;
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
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Conversations for models of text alone: the checkpoint's chat template and its tokenizer. Models
 * without a template, which go on with a text, are given that text behind the token that begins
 * documents.
 */
final class TextProcessor implements PromptProcessor {

  private final Tokenizer tokenizer;
  private final Optional<ChatTemplate> template;

  private TextProcessor(Tokenizer tokenizer, Optional<ChatTemplate> template) {
    this.tokenizer = tokenizer;
    this.template = template;
  }

  static TextProcessor open(CompanionFiles files, int vocabularySize) {
    Tokenizer tokenizer = PromptFiles.tokenizer(files, vocabularySize);
    return new TextProcessor(tokenizer, TokenizerConfig.load(files).chatTemplate());
  }

  @Override
  public Tokenizer tokenizer() {
    return tokenizer;
  }

  @Override
  public PreparedVisual prepare(Image image) {
    throw noPictures();
  }

  @Override
  public PreparedPrompt prepare(List<Message> messages) {
    for (Message message : messages) {
      if (message.parts().stream().anyMatch(part -> !(part instanceof Part.Text))) {
        throw noPictures();
      }
    }
    if (template.isEmpty()) {
      return continuation(messages);
    }
    RenderedPrompt rendered = template.get().render(variables(messages));
    return prompt(rendered.text(), tokenizer.encode(rendered));
  }

  private PreparedPrompt continuation(List<Message> messages) {
    if (messages.size() != 1 || messages.getFirst().role() != Role.USER) {
      throw new InputException(
          "This model has no chat template, as models have that only go on with a text; give it one"
              + " text as the user's message and nothing else.");
    }
    String text = text(messages.getFirst());
    IntStream before = tokenizer.frame().before().stream().mapToInt(Integer::intValue);
    return prompt(text, IntStream.concat(before, IntStream.of(tokenizer.encode(text))).toArray());
  }

  private static PreparedPrompt prompt(String text, int[] ids) {
    if (ids.length == 0) {
      throw new InputException("The prompt is empty; write something for the model to go on with.");
    }
    return new PreparedPrompt(text, ids, List.of(), TokenPositions.sequential(ids.length));
  }

  /**
   * As the reference does, which passes what is not used as none: some templates only look there.
   */
  private static Map<String, @Nullable Object> variables(List<Message> messages) {
    Map<String, @Nullable Object> variables =
        new HashMap<>(TemplateMessages.ofTexts(messages, m -> RenderedPrompt.untrusted(text(m))));
    variables.put("tools", null);
    variables.put("documents", null);
    return variables;
  }

  private static String text(Message message) {
    return message.parts().stream()
        .map(part -> ((Part.Text) part).text())
        .collect(Collectors.joining());
  }

  private static InputException noPictures() {
    return new InputException(
        "This model reads no pictures; ask it in words alone, or open a vision-language model.");
  }
}
