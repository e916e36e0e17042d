package io.github.vlm4j.models.chat;

import io.github.vlm4j.vision.image.Image;
import java.util.ArrayList;
import java.util.List;

/**
 * One turn of a conversation.
 *
 * @param role who says it
 * @param parts words, pictures and videos in the order the model reads them
 */
public record Message(Role role, List<Part> parts) {

  /** Keeps an immutable copy of the parts. */
  public Message {
    parts = List.copyOf(parts);
  }

  /** Returns a question in words only. */
  public static Message user(String text) {
    return new Message(Role.USER, List.of(new Part.Text(text)));
  }

  /** Returns a question about a picture, the picture first. */
  public static Message user(Image image, String text) {
    return user(List.of(image), text);
  }

  /** Returns a question about pictures, the pictures first. */
  public static Message user(List<Image> images, String text) {
    List<Part> parts = new ArrayList<>();
    images.forEach(image -> parts.add(new Part.Picture(image)));
    parts.add(new Part.Text(text));
    return new Message(Role.USER, parts);
  }

  /** Returns an instruction to the model. */
  public static Message system(String text) {
    return new Message(Role.SYSTEM, List.of(new Part.Text(text)));
  }

  /** Returns an earlier answer of the model. */
  public static Message assistant(String text) {
    return new Message(Role.ASSISTANT, List.of(new Part.Text(text)));
  }
}
