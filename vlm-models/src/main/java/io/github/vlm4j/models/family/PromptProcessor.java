package io.github.vlm4j.models.family;

import io.github.vlm4j.models.chat.Message;
import io.github.vlm4j.text.tokenizer.Tokenizer;
import io.github.vlm4j.vision.image.Image;
import java.util.List;

/** Turns conversations into what a family's decoder reads. */
public interface PromptProcessor {

  /** Returns the checkpoint's tokenizer. */
  Tokenizer tokenizer();

  /**
   * Renders, tokenises and preprocesses a conversation, up to where the model answers.
   *
   * @param messages the conversation
   * @throws io.github.vlm4j.core.InputException if it cannot be put to this model
   */
  PreparedPrompt prepare(List<Message> messages);

  /**
   * Preprocesses one picture outside of a conversation; its rows count from 0.
   *
   * @throws io.github.vlm4j.core.InputException if it cannot be put to this model
   */
  PreparedVisual prepare(Image image);
}
