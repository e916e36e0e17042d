package io.github.vlm4j.models.chat;

import java.util.Locale;

/** Who says a message. */
public enum Role {
  /** What the model is told to be. */
  SYSTEM,
  /** The person asking. */
  USER,
  /** The model. */
  ASSISTANT;

  /** Returns the name that chat templates know. */
  public String templateName() {
    return name().toLowerCase(Locale.ROOT);
  }
}
