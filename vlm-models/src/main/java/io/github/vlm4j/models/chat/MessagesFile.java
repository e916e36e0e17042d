package io.github.vlm4j.models.chat;

import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.InputException;
import io.github.vlm4j.core.checkpoint.ConfigNode;
import io.github.vlm4j.vision.image.Image;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A conversation in a JSON file, as transformers takes it: a list of {@code {"role", "content"}},
 * the content a string or a list of parts. Pictures are looked for beside the file.
 */
public final class MessagesFile {

  /** What transformers takes for videos whose frame rate is not given. */
  private static final double DEFAULT_FRAMES_PER_SECOND = 24;

  private final Path file;
  private final Path folder;

  private MessagesFile(Path file) {
    this.file = file;
    Path parent = file.toAbsolutePath().getParent();
    this.folder = parent == null ? file.toAbsolutePath() : parent;
  }

  /**
   * Reads a conversation.
   *
   * @param file a JSON list of messages: {@code {"role": "user", "content": [{"type": "image",
   *     "image": "photo.jpg"}, {"type": "text", "text": "What is this?"}]}}
   * @throws InputException if it or a picture in it cannot be read, naming what and where
   */
  public static List<Message> read(Path file) {
    return new MessagesFile(file).messages();
  }

  private List<Message> messages() {
    try {
      List<Message> messages = new ArrayList<>();
      for (ConfigNode message : ConfigNode.readObjects(file)) {
        messages.add(new Message(role(message), parts(message)));
      }
      if (messages.isEmpty()) {
        throw new InputException(file + " has no messages; write at least one user message.");
      }
      return messages;
    } catch (CheckpointException malformed) {
      throw new InputException(String.valueOf(malformed.getMessage()), malformed);
    }
  }

  private static Role role(ConfigNode message) {
    return switch (message.string("role")) {
      case "system" -> Role.SYSTEM;
      case "user" -> Role.USER;
      case "assistant" -> Role.ASSISTANT;
      default -> throw message.invalid("role", "\"system\", \"user\" or \"assistant\"");
    };
  }

  private List<Part> parts(ConfigNode message) {
    if (message.isString("content")) {
      return List.of(new Part.Text(message.string("content")));
    }
    List<Part> parts = new ArrayList<>();
    for (ConfigNode part : message.objects("content")) {
      parts.add(
          switch (part.string("type")) {
            case "text" -> new Part.Text(part.string("text"));
            case "image" -> new Part.Picture(image(part, part.string(pathField(part))));
            case "video" -> video(part);
            default -> throw part.invalid("type", "\"text\", \"image\" or \"video\"");
          });
    }
    return parts;
  }

  private static String pathField(ConfigNode part) {
    return part.has("path") && !part.has("image") ? "path" : "image";
  }

  private Part.Video video(ConfigNode part) {
    List<Image> frames = new ArrayList<>();
    for (String frame : part.strings("video")) {
      frames.add(image(part, frame));
    }
    return new Part.Video(frames, part.positiveDoubleOr("fps", DEFAULT_FRAMES_PER_SECOND));
  }

  private Image image(ConfigNode part, String path) {
    try {
      return Image.of(folder.resolve(path));
    } catch (InvalidPathException invalid) {
      throw new InputException(
          part.where() + ": \"" + path + "\" is not a file name: " + invalid.getReason() + ".",
          invalid);
    }
  }
}
