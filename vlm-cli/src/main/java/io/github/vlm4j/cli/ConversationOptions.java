package io.github.vlm4j.cli;

import io.github.vlm4j.models.chat.Message;
import io.github.vlm4j.models.chat.MessagesFile;
import io.github.vlm4j.vision.image.Image;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Options that say what a model is asked: pictures and a prompt, or a whole conversation. */
final class ConversationOptions {

  @Spec(Spec.Target.MIXEE)
  CommandSpec command = CommandSpec.create();

  @Option(
      names = "--image",
      paramLabel = "FILE",
      description = "A picture to ask about; may be given several times.")
  List<Path> images = List.of();

  @Option(names = "--system", paramLabel = "TEXT", description = "What the model is told to be.")
  @Nullable String system;

  @Option(names = "--prompt", paramLabel = "TEXT", description = "What to ask.")
  @Nullable String prompt;

  @Option(
      names = "--messages",
      paramLabel = "FILE",
      description =
          "A JSON list of chat messages as transformers takes them, instead of --image, "
              + "--system and --prompt; pictures are looked for beside the file.")
  @Nullable Path messages;

  /** Returns the conversation, or says what is missing or too much. */
  List<Message> conversation() {
    if (messages != null) {
      if (prompt != null || system != null || !images.isEmpty()) {
        throw usage(
            "--messages is a whole conversation; leave out --prompt, --system and --image with it");
      }
      return MessagesFile.read(messages);
    }
    if (prompt == null) {
      throw usage("There is nothing to answer; give --prompt or --messages");
    }
    List<Message> conversation = new ArrayList<>();
    if (system != null) {
      conversation.add(Message.system(system));
    }
    conversation.add(Message.user(Image.all(images), prompt));
    return conversation;
  }

  private ParameterException usage(String message) {
    return new ParameterException(command.commandLine(), message);
  }
}
