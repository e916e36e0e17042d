package io.github.vlm4j.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.vlm4j.models.LoadOptions;
import io.github.vlm4j.models.VisionLanguageModel;
import io.github.vlm4j.models.chat.AnswerScore;
import io.github.vlm4j.models.chat.Message;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code vlm score}: how likely a model finds an answer. */
@Command(
    name = "score",
    description = {
      "Tells how likely a model finds an answer to a prompt about pictures.",
      "Only the answer's tokens count: the loss is the mean of their negative log-probabilities, "
          + "as in training with the prompt and the pictures left out; its exponential is the "
          + "perplexity."
    },
    mixinStandardHelpOptions = true)
final class ScoreCommand implements Callable<Integer> {

  private final Terminal terminal;

  @Option(
      names = "--model",
      required = true,
      paramLabel = "PATH",
      description = "A model folder, or a file of weights.")
  Path model = Path.of("");

  @Mixin ModelPartsOptions parts = new ModelPartsOptions();

  @Mixin ConversationOptions asked = new ConversationOptions();

  @Option(
      names = "--answer",
      required = true,
      paramLabel = "TEXT",
      description = "The answer to score.")
  String answer = "";

  @Option(
      names = "--end",
      paramLabel = "TOKEN",
      description =
          "A token that must follow the answer and is scored with it, such as <|im_end|>. Default: "
              + "none, the answer may go on.")
  @Nullable String end;

  @Option(names = "--json", description = "Prints one JSON document.")
  boolean json;

  @Mixin ModelOptions modelOptions = new ModelOptions();

  @Mixin CacheOptions cache = new CacheOptions();

  @Mixin QuantizeOption quantize = new QuantizeOption();

  ScoreCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() {
    LoadOptions options = quantize.on(cache.over(modelOptions.loadOptions(terminal)));
    List<Message> conversation = asked.conversation();
    try (VisionLanguageModel loaded = VisionLanguageModel.load(parts.of(model), options)) {
      AnswerScore score =
          end == null
              ? loaded.score(conversation, answer)
              : loaded.score(conversation, answer, end);
      if (json) {
        Json.print(terminal.out(), document(score));
      } else {
        print(score);
      }
      return Main.OK;
    }
  }

  private ObjectNode document(AnswerScore score) {
    ObjectNode document = Json.object();
    document.put("answer", answer);
    ArrayNode tokens = document.putArray("tokens");
    score.tokens().forEach(tokens::add);
    ArrayNode logprobs = document.putArray("logprobs");
    score.logprobs().forEach(logprobs::add);
    document.put("logLikelihood", score.logLikelihood());
    document.put("loss", score.loss());
    document.put("perplexity", score.perplexity());
    document.put("promptTokens", score.promptTokens());
    document.put("imageTokens", score.imageTokens());
    return document;
  }

  private void print(AnswerScore score) {
    terminal.out().printf(Locale.ROOT, "%-15s %d%n", "Tokens", score.tokens().size());
    terminal.out().printf(Locale.ROOT, "%-15s %.6f%n", "Log-likelihood", score.logLikelihood());
    terminal.out().printf(Locale.ROOT, "%-15s %.6f%n", "Loss", score.loss());
    terminal.out().printf(Locale.ROOT, "%-15s %.4f%n", "Perplexity", score.perplexity());
  }
}
