package io.github.vlm4j.text.tokenizer;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.JsonNode;
import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.checkpoint.CompanionFiles;
import io.github.vlm4j.core.checkpoint.JsonTree;
import io.github.vlm4j.text.template.ChatTemplate;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What a model folder says about its special tokens and chat template: {@code
 * tokenizer_config.json}, {@code chat_template.jinja} and {@code chat_template.json}.
 *
 * @param specialTokens spellings by role: {@code bos_token}, {@code eos_token}, {@code pad_token},
 *     …
 * @param chatTemplate the folder's template, with the special tokens as constants, if it has one
 */
public record TokenizerConfig(
    Map<String, String> specialTokens, Optional<ChatTemplate> chatTemplate) {

  private static final long MAX_BYTES = 16L << 20;
  private static final int MAX_SPECIAL_TOKEN_CHARS = 1024;

  /** Copies the map. */
  public TokenizerConfig {
    specialTokens = Map.copyOf(specialTokens);
  }

  /**
   * Reads the configuration of a model folder. A missing {@code tokenizer_config.json} is an empty
   * one. Of the places for a chat template, {@code chat_template.jinja} comes before {@code
   * chat_template.json}, and that before {@code tokenizer_config.json}.
   *
   * @throws CheckpointException if a file is malformed or too large
   */
  public static TokenizerConfig load(Path folder) {
    return load(CompanionFiles.in(folder));
  }

  /**
   * Reads the configuration that comes with a model, as {@link #load(Path)} does.
   *
   * @throws CheckpointException if a file is malformed or too large
   */
  public static TokenizerConfig load(CompanionFiles files) {
    JsonNode config = json(files, "tokenizer_config.json");
    Map<String, String> specialTokens = new LinkedHashMap<>();
    if (config != null) {
      config
          .properties()
          .forEach(entry -> {
            if (entry.getKey().endsWith("_token")) {
              String spelling = spelling(entry.getValue());
              if (spelling != null) {
                specialTokens.put(entry.getKey(), spelling);
              }
            }
          });
    }
    return new TokenizerConfig(
        specialTokens,
        Optional.ofNullable(template(files, config)).map(t -> t.withConstants(specialTokens)));
  }

  /** A token is written as a string or as an object with its content. */
  private static @Nullable String spelling(JsonNode token) {
    JsonNode content = token.isObject() ? token.path("content") : token;
    return content.isTextual()
            && !content.textValue().isEmpty()
            && content.textValue().length() <= MAX_SPECIAL_TOKEN_CHARS
        ? content.textValue()
        : null;
  }

  private static @Nullable ChatTemplate template(CompanionFiles files, @Nullable JsonNode config) {
    String jinja = "chat_template.jinja";
    String source = text(files, jinja);
    if (source != null) {
      return ChatTemplate.parse(source, files.path(jinja).toString());
    }
    String separate = "chat_template.json";
    JsonNode separateJson = json(files, separate);
    if (separateJson != null && separateJson.has("chat_template")) {
      return template(separateJson.path("chat_template"), files.path(separate));
    }
    if (config != null && config.hasNonNull("chat_template")) {
      return template(config.path("chat_template"), files.path("tokenizer_config.json"));
    }
    return null;
  }

  /** A template is a string, or a list of named ones of which the one named default is meant. */
  private static ChatTemplate template(JsonNode node, Path file) {
    if (node.isTextual()) {
      return ChatTemplate.parse(node.textValue(), file.toString());
    }
    for (JsonNode named : node) {
      if (named.path("name").asText("").equals("default") && named.path("template").isTextual()) {
        return ChatTemplate.parse(named.path("template").textValue(), file + " (default)");
      }
    }
    throw new CheckpointException(
        "The chat_template in "
            + file
            + " must be a string, or a list with a template named 'default'.");
  }

  private static @Nullable String text(Path file) {
    if (!Files.exists(file)) {
      return null;
    }
    try {
      long size = Files.size(file);
      if (size > MAX_BYTES) {
        throw new CheckpointException(
            "%s has %,d bytes, more than the %,d allowed.".formatted(file, size, MAX_BYTES));
      }
      return Files.readString(file, StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new CheckpointException(
          file + " cannot be read as UTF-8 text: " + e.getMessage() + ".", e);
    }
  }

  private static @Nullable String text(CompanionFiles files, String name) {
    return switch (files) {
      case CompanionFiles.Folder folder -> text(folder.path(name));
      case CompanionFiles.Made made -> made.has(name) ? made.text(name) : null;
    };
  }

  private static @Nullable JsonNode json(CompanionFiles files, String name) {
    Path file = files.path(name);
    String text = text(files, name);
    if (text == null) {
      return null;
    }
    JsonFactory factory =
        JsonFactory.builder()
            .streamReadConstraints(
                StreamReadConstraints.builder()
                    .maxNestingDepth(64)
                    .maxStringLength(2 << 20)
                    .build())
            .build();
    try (JsonParser parser = factory.createParser(text)) {
      JsonNode node = JsonTree.read(parser);
      if (node == null || !node.isObject()) {
        throw new CheckpointException(file + " must hold a JSON object.");
      }
      return node;
    } catch (IOException e) {
      throw new CheckpointException(file + " is not valid JSON: " + firstLine(e) + ".", e);
    }
  }

  /** Jackson adds lines about where it was, which say little more. */
  private static String firstLine(IOException e) {
    return String.valueOf(e.getMessage()).lines().findFirst().orElse("");
  }
}
