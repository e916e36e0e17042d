package io.github.vlm4j.models.family;

import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.checkpoint.CompanionFiles;
import io.github.vlm4j.text.template.ChatTemplate;
import io.github.vlm4j.text.tokenizer.Tokenizer;
import io.github.vlm4j.text.tokenizer.TokenizerConfig;
import java.nio.file.Path;

/** The tokenizer and the chat template of a model, held to what the model says of itself. */
public final class PromptFiles {

  private PromptFiles() {}

  /**
   * Loads a tokenizer.
   *
   * @param folder where it is
   * @param vocabularySize how many tokens the model has embeddings for
   * @throws CheckpointException if it is missing or malformed, or has ids beyond those
   */
  public static Tokenizer tokenizer(Path folder, int vocabularySize) {
    return tokenizer(CompanionFiles.in(folder), vocabularySize);
  }

  /**
   * Loads a tokenizer.
   *
   * @param files where it is
   * @param vocabularySize how many tokens the model has embeddings for
   * @throws CheckpointException if it is missing or malformed, or has ids beyond those
   */
  public static Tokenizer tokenizer(CompanionFiles files, int vocabularySize) {
    Tokenizer tokenizer = Tokenizer.load(files);
    if (tokenizer.vocabularySize() > vocabularySize) {
      throw new CheckpointException(
          "The tokenizer in "
              + files.path("")
              + " has ids up to "
              + (tokenizer.vocabularySize() - 1)
              + " but the model has embeddings of vocab_size "
              + vocabularySize
              + " tokens; the two belong to different models.");
    }
    return tokenizer;
  }

  /**
   * Loads a chat template.
   *
   * @param folder where it is
   * @throws CheckpointException if there is none, or it is malformed
   */
  public static ChatTemplate chatTemplate(Path folder) {
    return chatTemplate(CompanionFiles.in(folder));
  }

  /**
   * Loads a chat template.
   *
   * @param files where it is
   * @throws CheckpointException if there is none, or it is malformed
   */
  public static ChatTemplate chatTemplate(CompanionFiles files) {
    return TokenizerConfig.load(files)
        .chatTemplate()
        .orElseThrow(() ->
            new CheckpointException(
                files.path("")
                    + " has no chat template: there is neither chat_template.jinja nor"
                    + " chat_template.json, and none in tokenizer_config.json."));
  }
}
