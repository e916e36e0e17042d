package io.github.vlm4j.text.generate;

import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.InputException;
import io.github.vlm4j.core.checkpoint.CompanionFiles;
import io.github.vlm4j.core.checkpoint.ConfigNode;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.Set;

/**
 * A checkpoint's own ideas of how to generate: {@code generation_config.json}.
 *
 * @param sampling how tokens are chosen
 * @param eosTokenIds the tokens that end an answer
 */
public record GenerationConfig(SamplingOptions sampling, Set<Integer> eosTokenIds) {

  /** The file's name in a model folder. */
  public static final String FILE = "generation_config.json";

  /** What transformers takes for {@code top_k} when it samples and the file does not say. */
  private static final int DEFAULT_TOP_K = 50;

  /** Keeps an immutable copy. */
  public GenerationConfig {
    eosTokenIds = Set.copyOf(eosTokenIds);
  }

  /**
   * Reads a folder's file; without one, answers are greedy and end as {@code config.json} says.
   *
   * @param folder the model folder
   * @param fallback where {@code eos_token_id} is looked for if the file does not name it
   * @throws CheckpointException if a field has no usable value
   */
  public static GenerationConfig read(Path folder, ConfigNode fallback) {
    return read(CompanionFiles.in(folder), fallback);
  }

  /**
   * Reads the file that comes with a model; without one, answers are greedy and end as {@code
   * config.json} says.
   *
   * @param files what comes with the model
   * @param fallback where {@code eos_token_id} is looked for if the file does not name it
   * @throws CheckpointException if a field has no usable value
   */
  public static GenerationConfig read(CompanionFiles files, ConfigNode fallback) {
    if (!files.has(FILE)) {
      return new GenerationConfig(SamplingOptions.GREEDY, eos(fallback, Set.of()));
    }
    ConfigNode node = files.config(FILE);
    return new GenerationConfig(sampling(node), eos(node, eos(fallback, Set.of())));
  }

  private static SamplingOptions sampling(ConfigNode node) {
    double repetitionPenalty = node.positiveDoubleOr("repetition_penalty", 1);
    try {
      if (!node.booleanOr("do_sample", false)) {
        return SamplingOptions.GREEDY.withRepetitionPenalty(repetitionPenalty);
      }
      return new SamplingOptions(
          node.doubleOr("temperature", 1),
          node.nonNegativeIntOr("top_k", DEFAULT_TOP_K),
          node.doubleOr("top_p", 1),
          node.doubleOr("min_p", 0),
          repetitionPenalty,
          0,
          0);
    } catch (InputException outOfRange) {
      throw new CheckpointException(node.where() + ": " + outOfRange.getMessage(), outOfRange);
    }
  }

  private static Set<Integer> eos(ConfigNode node, Set<Integer> defaults) {
    if (!node.has("eos_token_id")) {
      return defaults;
    }
    Set<Integer> ids = new LinkedHashSet<>();
    Arrays.stream(node.oneOrMoreInts("eos_token_id")).forEach(ids::add);
    return ids;
  }
}
