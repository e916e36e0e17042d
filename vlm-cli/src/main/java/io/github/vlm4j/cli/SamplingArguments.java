package io.github.vlm4j.cli;

import io.github.vlm4j.core.InputException;
import io.github.vlm4j.text.generate.SamplingOptions;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Options that say how tokens are chosen; those left out are the checkpoint's own. */
final class SamplingArguments {

  @Spec(Spec.Target.MIXEE)
  CommandSpec command = CommandSpec.create();

  @Option(
      names = "--max-new-tokens",
      paramLabel = "N",
      description = "The most tokens to write. Default: ${DEFAULT-VALUE}.",
      defaultValue = "512")
  int maxNewTokens;

  @Option(
      names = "--temperature",
      paramLabel = "T",
      description = "Divides the logits; 0 always takes the likeliest token.")
  @Nullable Double temperature;

  @Option(
      names = "--top-k",
      paramLabel = "K",
      description = "Keeps the K likeliest tokens; 0 keeps all.")
  @Nullable Integer topK;

  @Option(
      names = "--top-p",
      paramLabel = "P",
      description = "Keeps the likeliest tokens that together have probability P.")
  @Nullable Double topP;

  @Option(
      names = "--min-p",
      paramLabel = "P",
      description = "Leaves out tokens less likely than P times the likeliest.")
  @Nullable Double minP;

  @Option(
      names = "--repetition-penalty",
      paramLabel = "R",
      description = "Divides the logits of tokens that were read or written; 1 for none.")
  @Nullable Double repetitionPenalty;

  @Option(
      names = "--presence-penalty",
      paramLabel = "R",
      description = "Is subtracted from the logits of tokens that were written; 0 for none.")
  @Nullable Double presencePenalty;

  @Option(
      names = "--seed",
      paramLabel = "S",
      description = "Seed of the draws; the same seed gives the same answer.")
  @Nullable Long seed;

  /** Refuses numbers out of their ranges before any work is done. */
  void check() {
    if (maxNewTokens < 1) {
      throw new ParameterException(
          command.commandLine(), "--max-new-tokens must be at least 1, not " + maxNewTokens);
    }
    try {
      over(SamplingOptions.GREEDY);
    } catch (InputException outOfRange) {
      throw new ParameterException(
          command.commandLine(), String.valueOf(outOfRange.getMessage()), outOfRange);
    }
  }

  SamplingOptions over(SamplingOptions defaults) {
    SamplingOptions options = defaults;
    if (topK != null) {
      options = options.withTopK(topK);
    }
    if (topP != null) {
      options = options.withTopP(topP);
    }
    if (minP != null) {
      options = options.withMinP(minP);
    }
    if (repetitionPenalty != null) {
      options = options.withRepetitionPenalty(repetitionPenalty);
    }
    if (presencePenalty != null) {
      options = options.withPresencePenalty(presencePenalty);
    }
    if (seed != null) {
      options = options.withSeed(seed);
    }
    return temperature == null ? options : options.withTemperature(temperature);
  }
}
