package io.github.vlm4j.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.vlm4j.models.LoadOptions;
import io.github.vlm4j.models.VisionLanguageModel;
import io.github.vlm4j.models.chat.GenerationRequest;
import io.github.vlm4j.models.chat.GenerationResult;
import io.github.vlm4j.models.chat.Message;
import io.github.vlm4j.models.chat.Timings;
import io.github.vlm4j.models.family.PreparedPrompt;
import io.github.vlm4j.text.generate.TokenLogprob;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code vlm generate}: one answer to one conversation. */
@Command(
    name = "generate",
    description = "Answers a prompt about pictures, or a whole conversation from a file.",
    mixinStandardHelpOptions = true)
final class GenerateCommand implements Callable<Integer> {

  private final Terminal terminal;

  @Spec CommandSpec command = CommandSpec.create();

  @Option(
      names = "--model",
      required = true,
      paramLabel = "PATH",
      description = "A model folder, or a file of weights.")
  Path model = Path.of("");

  @Mixin ModelPartsOptions parts = new ModelPartsOptions();

  @Mixin ConversationOptions asked = new ConversationOptions();

  @Option(
      names = "--stop",
      paramLabel = "TEXT",
      description = "Ends the answer where this text appears; may be given several times.")
  List<String> stops = List.of();

  @Option(
      names = "--top-logprobs",
      paramLabel = "K",
      description = "Tells each token's log-probability and its K likeliest alternatives.")
  @Nullable Integer topLogprobs;

  @Option(names = "--ignore-eos", description = "Goes on after end-of-text tokens.")
  boolean ignoreEos;

  @Option(names = "--echo", description = "Tells the rendered prompt and its tokens, too.")
  boolean echo;

  @Option(names = "--json", description = "Prints one JSON document.")
  boolean json;

  @Mixin SamplingArguments sampling = new SamplingArguments();

  @Mixin ModelOptions modelOptions = new ModelOptions();

  @Mixin CacheOptions cache = new CacheOptions();

  @Mixin QuantizeOption quantize = new QuantizeOption();

  GenerateCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() {
    sampling.check();
    LoadOptions options = quantize.on(cache.over(modelOptions.loadOptions(terminal)));
    if (topLogprobs != null
        && (topLogprobs < 0 || topLogprobs > GenerationRequest.MAX_TOP_LOGPROBS)) {
      throw usage(
          "--top-logprobs must be from 0 to "
              + GenerationRequest.MAX_TOP_LOGPROBS
              + ", not "
              + topLogprobs);
    }
    List<Message> conversation = asked.conversation();
    long started = System.nanoTime();
    try (VisionLanguageModel loaded = VisionLanguageModel.load(parts.of(model), options)) {
      double loadMs = (System.nanoTime() - started) / 1e6;
      PreparedPrompt prepared = echo ? loaded.prompt(conversation) : null;
      if (prepared != null && !json) {
        terminal.out().print(prepared.text());
      }
      GenerationResult result = loaded.generate(request(loaded, conversation));
      if (json) {
        Json.print(terminal.out(), document(result, loadMs, prepared));
      } else {
        terminal.endAnswer();
        if (topLogprobs != null) {
          printLogprobs(result.logprobs());
        }
      }
      return Main.OK;
    }
  }

  private ParameterException usage(String message) {
    return new ParameterException(command.commandLine(), message);
  }

  private GenerationRequest request(VisionLanguageModel loaded, List<Message> conversation) {
    GenerationRequest.Builder builder =
        GenerationRequest.builder()
            .messages(conversation)
            .sampling(sampling.over(loaded.generationDefaults().sampling()))
            .maxNewTokens(sampling.maxNewTokens)
            .stop(stops.toArray(String[]::new))
            .ignoreEos(ignoreEos)
            .listener(json ? new ProgressListener(terminal) : new StreamingListener(terminal));
    if (topLogprobs != null) {
      builder.topLogprobs(topLogprobs);
    }
    return builder.build();
  }

  private static ObjectNode document(
      GenerationResult result, double loadMs, @Nullable PreparedPrompt prepared) {
    ObjectNode document = Json.object();
    if (prepared != null) {
      document.put("prompt", prepared.text());
      ArrayNode ids = document.putArray("promptTokenIds");
      for (int id : prepared.ids()) {
        ids.add(id);
      }
    }
    document.put("text", result.text());
    ArrayNode tokens = document.putArray("tokens");
    result.tokens().forEach(tokens::add);
    document.put("finishReason", result.finishReason().name().toLowerCase(Locale.ROOT));
    document.put("promptTokens", result.promptTokens());
    document.put("imageTokens", result.imageTokens());
    ArrayNode logprobs = document.putArray("logprobs");
    for (TokenLogprob logprob : result.logprobs()) {
      ObjectNode node = logprobs.addObject();
      node.put("token", logprob.token());
      node.put("logprob", logprob.logprob());
      ArrayNode top = node.putArray("top");
      for (TokenLogprob.Alternative alternative : logprob.top()) {
        ObjectNode other = top.addObject();
        other.put("token", alternative.token());
        other.put("logprob", alternative.logprob());
      }
    }
    Timings timings = result.timings();
    ObjectNode times = document.putObject("timings");
    times.put("loadMs", loadMs);
    times.put("imageMs", timings.imageMs());
    times.put("prefillMs", timings.prefillMs());
    times.put("decodeMs", timings.decodeMs());
    times.put("timeToFirstTokenMs", timings.timeToFirstTokenMs());
    times.put("decodeTokensPerSecond", timings.decodeTokensPerSecond());
    times.put("reusedTokens", timings.reusedTokens());
    times.put("reusedImages", timings.reusedImages());
    return document;
  }

  private void printLogprobs(List<TokenLogprob> logprobs) {
    for (TokenLogprob logprob : logprobs) {
      terminal.out().printf(Locale.ROOT, "%8d %9.4f ", logprob.token(), logprob.logprob());
      for (TokenLogprob.Alternative alternative : logprob.top()) {
        terminal.out().printf(Locale.ROOT, " %d:%.4f", alternative.token(), alternative.logprob());
      }
      terminal.out().println();
    }
  }
}
