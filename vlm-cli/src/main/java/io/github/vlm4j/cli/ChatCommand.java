package io.github.vlm4j.cli;

import io.github.vlm4j.core.InputException;
import io.github.vlm4j.models.LoadOptions;
import io.github.vlm4j.models.VisionLanguageModel;
import io.github.vlm4j.models.chat.GenerationRequest;
import io.github.vlm4j.models.chat.GenerationResult;
import io.github.vlm4j.models.chat.Message;
import io.github.vlm4j.vision.image.Image;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code vlm chat}: a conversation, line by line. */
@Command(
    name = "chat",
    description = {
      "Talks about pictures, line by line, from the keyboard or a pipe.",
      "Lines that are commands: /image FILE adds a picture to the next question, /reset starts "
          + "anew, /exit ends."
    },
    mixinStandardHelpOptions = true)
final class ChatCommand implements Callable<Integer> {

  private static final String IMAGE = "/image";
  private static final String PROMPT = "> ";

  private final Terminal terminal;
  private final List<Message> conversation = new ArrayList<>();
  private final List<Image> pictures = new ArrayList<>();
  private boolean mistaken;

  @Option(
      names = "--model",
      required = true,
      paramLabel = "PATH",
      description = "A model folder, or a file of weights.")
  Path model = Path.of("");

  @Mixin ModelPartsOptions parts = new ModelPartsOptions();

  @Option(
      names = "--image",
      paramLabel = "FILE",
      description = "A picture for the first question; may be given several times.")
  List<Path> images = List.of();

  @Option(names = "--system", paramLabel = "TEXT", description = "What the model is told to be.")
  @Nullable String system;

  @Mixin SamplingArguments sampling = new SamplingArguments();

  @Mixin ModelOptions modelOptions = new ModelOptions();

  @Mixin CacheOptions cache = new CacheOptions();

  @Mixin QuantizeOption quantize = new QuantizeOption();

  ChatCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() throws IOException {
    sampling.check();
    LoadOptions options = quantize.on(cache.over(modelOptions.loadOptions(terminal)));
    pictures.addAll(Image.all(images));
    begin();
    BufferedReader lines =
        new BufferedReader(new InputStreamReader(terminal.in(), StandardCharsets.UTF_8));
    try (VisionLanguageModel loaded = VisionLanguageModel.load(parts.of(model), options)) {
      terminal.remark(
          "Ask; /image FILE adds a picture, /reset starts anew, /exit ends.\n" + PROMPT);
      String line = lines.readLine();
      while (line != null && !line.strip().equals("/exit") && !terminal.isUnread()) {
        take(loaded, line.strip());
        terminal.remark(PROMPT);
        line = lines.readLine();
      }
      if (line == null) {
        terminal.remark("\n");
      }
    }
    // Whoever types has seen what went wrong; a script looks at the exit code.
    return mistaken && !terminal.prompts() ? Main.FAILURE : Main.OK;
  }

  private void begin() {
    conversation.clear();
    if (system != null) {
      conversation.add(Message.system(system));
    }
  }

  /** A mistake in one line is told, and the conversation goes on. */
  private void take(VisionLanguageModel loaded, String line) {
    try {
      if (line.isEmpty()) {
        return;
      }
      if (line.equals("/reset")) {
        pictures.clear();
        begin();
      } else if (line.equals(IMAGE) || line.startsWith(IMAGE + " ")) {
        pictures.add(picture(line.substring(IMAGE.length()).strip()));
      } else if (line.startsWith("/")) {
        throw new InputException(
            "There is no command "
                + line.split("\\s", 2)[0]
                + "; there are /image FILE, /reset and /exit.");
      } else {
        ask(loaded, line);
      }
    } catch (InputException mistake) {
      terminal.clearProgress();
      terminal.err().println("vlm: " + Main.oneLine(String.valueOf(mistake.getMessage())));
      mistaken = true;
    }
  }

  private static Image picture(String file) {
    if (file.isEmpty()) {
      throw new InputException("/image needs the name of a picture file.");
    }
    try {
      return Image.of(Path.of(file));
    } catch (InvalidPathException invalid) {
      throw new InputException("\"" + file + "\" is not a file name.", invalid);
    }
  }

  private void ask(VisionLanguageModel loaded, String question) {
    List<Message> asked = new ArrayList<>(conversation);
    asked.add(Message.user(List.copyOf(pictures), question));
    GenerationResult result =
        loaded.generate(
            GenerationRequest.builder()
                .messages(asked)
                .sampling(sampling.over(loaded.generationDefaults().sampling()))
                .maxNewTokens(sampling.maxNewTokens)
                .listener(new StreamingListener(terminal))
                .build());
    terminal.endAnswer();
    pictures.clear();
    conversation.clear();
    conversation.addAll(asked);
    conversation.add(Message.assistant(result.text()));
  }
}
