package io.github.vlm4j.text.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The tokens around a single text: what the post-processors {@code RobertaProcessing}, {@code
 * BertProcessing} and {@code TemplateProcessing} add.
 *
 * @param before ids before the text's
 * @param after ids after the text's
 */
public record TextFrame(List<Integer> before, List<Integer> after) {

  /** Nothing before a text and nothing after it. */
  public static final TextFrame NONE = new TextFrame(List.of(), List.of());

  private static final int MAX_TOKENS = 16;

  /** Copies the lists. */
  public TextFrame {
    before = List.copyOf(before);
    after = List.copyOf(after);
  }

  static Optional<TextFrame> of(TokenizerFile file) {
    JsonNode node = file.postProcessor();
    return node == null || node.isNull() ? Optional.empty() : of(file, node);
  }

  private static Optional<TextFrame> of(TokenizerFile file, JsonNode node) {
    String type = node.path("type").asText("");
    return switch (type) {
      case "ByteLevel" -> Optional.empty();
      case "RobertaProcessing", "BertProcessing" ->
          Optional.of(
              new TextFrame(
                  List.of(id(file, node.path("cls").path(1))),
                  List.of(id(file, node.path("sep").path(1)))));
      case "TemplateProcessing" -> Optional.of(template(file, node));
      case "Sequence" -> {
        Optional<TextFrame> frame = Optional.empty();
        for (JsonNode part : node.path("processors")) {
          if (part.path("type").asText("").equals("Sequence") || frame.isPresent()) {
            throw file.broken("its post_processor is a sequence of several; use one alone.");
          }
          frame = of(file, part);
        }
        yield frame;
      }
      default ->
          throw file.broken(
              "post_processor of type '%s' is not supported."
                  .formatted(type.length() > 40 ? type.substring(0, 40) : type));
    };
  }

  private static TextFrame template(TokenizerFile file, JsonNode node) {
    List<Integer> before = new ArrayList<>();
    List<Integer> after = new ArrayList<>();
    boolean text = false;
    for (JsonNode part : node.path("single")) {
      if (part.has("Sequence")) {
        text = true;
        continue;
      }
      String name = part.path("SpecialToken").path("id").asText("");
      @Nullable JsonNode ids = node.path("special_tokens").path(name).get("ids");
      if (ids == null || !ids.isArray() || ids.size() + after.size() > MAX_TOKENS) {
        throw file.broken("its post_processor names a token that it does not define.");
      }
      for (JsonNode id : ids) {
        (text ? after : before).add(id(file, id));
      }
    }
    if (before.size() + after.size() > MAX_TOKENS) {
      throw file.broken("its post_processor adds more than %d tokens.".formatted(MAX_TOKENS));
    }
    return new TextFrame(before, after);
  }

  private static int id(TokenizerFile file, JsonNode node) {
    if (!node.canConvertToInt() || !file.hasId(node.intValue())) {
      throw file.broken("its post_processor adds a token that is not in the vocabulary.");
    }
    return node.intValue();
  }
}
