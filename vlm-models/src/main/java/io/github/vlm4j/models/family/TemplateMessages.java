package io.github.vlm4j.models.family;

import io.github.vlm4j.models.chat.Message;
import io.github.vlm4j.models.chat.Part;
import io.github.vlm4j.text.template.RenderedPrompt;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** A conversation as chat templates see it: the variable {@code messages} and its companions. */
public final class TemplateMessages {

  private TemplateMessages() {}

  /**
   * Returns the variables of a template whose messages are lists of parts, {@code {"type": "text",
   * "text": …}}, {@code {"type": "image"}} and {@code {"type": "video"}}.
   */
  public static Map<String, Object> ofParts(List<Message> messages) {
    return variables(messages, TemplateMessages::parts);
  }

  /**
   * Returns the variables of a template whose messages are plain texts.
   *
   * @param content the text of a message, pictures included; see {@link RenderedPrompt} for which
   *     of its characters may be control tokens
   */
  public static Map<String, Object> ofTexts(
      List<Message> messages, Function<Message, RenderedPrompt> content) {
    return variables(messages, content::apply);
  }

  private static List<Object> parts(Message message) {
    List<Object> parts = new ArrayList<>();
    for (Part part : message.parts()) {
      parts.add(
          switch (part) {
            case Part.Text text -> Map.of("type", "text", "text", text.text());
            case Part.Picture picture -> Map.of("type", "image");
            case Part.Video video -> Map.of("type", "video");
          });
    }
    return parts;
  }

  private static Map<String, Object> variables(
      List<Message> messages, Function<Message, Object> content) {
    List<Object> turns = new ArrayList<>();
    for (Message message : messages) {
      turns.add(Map.of("role", message.role().templateName(), "content", content.apply(message)));
    }
    Map<String, Object> variables = new HashMap<>();
    variables.put("messages", turns);
    variables.put("add_generation_prompt", true);
    return variables;
  }
}
