package io.github.vlm4j.text.generate;

import io.github.vlm4j.core.InputException;

/**
 * How a token is chosen from logits. Applied in this order, as transformers does: repetition
 * penalty, presence penalty, temperature, top-k, top-p, min-p, then a draw.
 *
 * @param temperature what logits are divided by; 0 takes the likeliest token (greedy) and ignores
 *     {@code topK}, {@code topP} and {@code minP}
 * @param topK how many of the likeliest tokens stay, with ties at the last; 0 keeps all
 * @param topP the smallest set of likeliest tokens with at least this probability stays; 1 keeps
 *     all
 * @param minP tokens less likely than this fraction of the likeliest are left out; 0 keeps all
 * @param repetitionPenalty what logits of tokens in prompt or answer are divided by (negative ones:
 *     multiplied with); 1 changes nothing (Keskar et al., CTRL, 2019)
 * @param presencePenalty what is subtracted from logits of tokens in the answer; 0 changes nothing
 * @param seed of the draws; the same seed gives the same answer
 */
public record SamplingOptions(
    double temperature,
    int topK,
    double topP,
    double minP,
    double repetitionPenalty,
    double presencePenalty,
    long seed) {

  /** Takes the likeliest token, always. */
  public static final SamplingOptions GREEDY = new SamplingOptions(0, 0, 1, 0, 1, 0, 0);

  /**
   * Checks the values.
   *
   * @throws InputException naming the option that is out of its range
   */
  public SamplingOptions {
    require(temperature >= 0 && temperature <= 100, "temperature", "from 0 to 100", temperature);
    require(topK >= 0, "top-k", "0 or more", topK);
    require(topP > 0 && topP <= 1, "top-p", "above 0 and at most 1", topP);
    require(minP >= 0 && minP <= 1, "min-p", "from 0 to 1", minP);
    require(
        repetitionPenalty >= 0.01 && repetitionPenalty <= 100,
        "repetition penalty",
        "from 0.01 to 100",
        repetitionPenalty);
    require(
        Math.abs(presencePenalty) <= 100, "presence penalty", "from -100 to 100", presencePenalty);
  }

  private static void require(boolean holds, String option, String range, Number value) {
    if (!holds) {
      throw new InputException("The " + option + " must be " + range + ", not " + value + ".");
    }
  }

  /** Returns whether the likeliest token is always taken. */
  public boolean greedy() {
    return temperature == 0;
  }

  /** Returns a copy with another temperature. */
  public SamplingOptions withTemperature(double value) {
    return new SamplingOptions(value, topK, topP, minP, repetitionPenalty, presencePenalty, seed);
  }

  /** Returns a copy with another top-k. */
  public SamplingOptions withTopK(int value) {
    return new SamplingOptions(
        temperature, value, topP, minP, repetitionPenalty, presencePenalty, seed);
  }

  /** Returns a copy with another top-p. */
  public SamplingOptions withTopP(double value) {
    return new SamplingOptions(
        temperature, topK, value, minP, repetitionPenalty, presencePenalty, seed);
  }

  /** Returns a copy with another min-p. */
  public SamplingOptions withMinP(double value) {
    return new SamplingOptions(
        temperature, topK, topP, value, repetitionPenalty, presencePenalty, seed);
  }

  /** Returns a copy with another repetition penalty. */
  public SamplingOptions withRepetitionPenalty(double value) {
    return new SamplingOptions(temperature, topK, topP, minP, value, presencePenalty, seed);
  }

  /** Returns a copy with another presence penalty. */
  public SamplingOptions withPresencePenalty(double value) {
    return new SamplingOptions(temperature, topK, topP, minP, repetitionPenalty, value, seed);
  }

  /** Returns a copy with another seed. */
  public SamplingOptions withSeed(long value) {
    return new SamplingOptions(
        temperature, topK, topP, minP, repetitionPenalty, presencePenalty, value);
  }
}
