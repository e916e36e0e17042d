package io.github.vlm4j.models.runtime;

import io.github.vlm4j.core.InputException;
import io.github.vlm4j.core.event.DecodeEvent;
import io.github.vlm4j.core.event.FlightRecording;
import io.github.vlm4j.core.event.PrefillEvent;
import io.github.vlm4j.models.chat.GenerationListener;
import io.github.vlm4j.models.chat.GenerationRequest;
import io.github.vlm4j.models.chat.GenerationResult;
import io.github.vlm4j.models.chat.Timings;
import io.github.vlm4j.models.family.PreparedPrompt;
import io.github.vlm4j.text.generate.FinishReason;
import io.github.vlm4j.text.generate.GenerationConfig;
import io.github.vlm4j.text.generate.Sampler;
import io.github.vlm4j.text.generate.StopStrings;
import io.github.vlm4j.text.generate.TokenLogprob;
import io.github.vlm4j.text.tokenizer.TokenStream;
import io.github.vlm4j.text.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * One answer in the making: pictures through the encoder, the prompt through the decoder, then
 * token by token until something ends it.
 */
public final class Generation {

  private final PromptReader prompts;
  private final DecoderRuntime decoder;
  private final Tokenizer tokenizer;
  private final GenerationConfig defaults;
  private final int contextLength;

  /** Takes what does the work. */
  public Generation(
      PromptReader prompts, Tokenizer tokenizer, GenerationConfig defaults, int contextLength) {
    this.prompts = prompts;
    this.decoder = prompts.decoder();
    this.tokenizer = tokenizer;
    this.defaults = defaults;
    this.contextLength = contextLength;
  }

  /**
   * Answers a request.
   *
   * @param request the conversation and how to answer it
   * @param prompt the conversation as the decoder reads it
   * @param sequence its tokens
   * @param started when the request came, by {@link System#nanoTime}
   * @throws InputException if the prompt leaves no room for an answer; no work has been done then
   */
  public GenerationResult run(
      GenerationRequest request, PreparedPrompt prompt, TokenSequence sequence, long started) {
    requireRoom(prompt);
    int limit = Math.min(request.maxNewTokens(), contextLength - prompt.ids().length);
    Sampler sampler =
        new Sampler(request.sampling().orElse(defaults.sampling()), decoder.vocabularySize());
    sampler.read(prompt.ids());
    Answer answer = new Answer(request, tokenizer, defaults.eosTokenIds(), limit);

    PromptReader.Beginning beginning = begin(prompt, sequence, request.listener());
    long encoded = System.nanoTime();
    float[] logits = prefill(prompt, beginning, limit, request.listener());
    long prefilled = System.nanoTime();
    long firstToken = prefilled;
    Optional<DecodeEvent> event = FlightRecording.begin(() -> new DecodeEvent());
    while (true) {
      if (request.listener().cancelled()) {
        answer.end(FinishReason.CANCELLED);
        break;
      }
      int token = sampler.next(logits);
      boolean more = answer.add(token, logits);
      if (answer.tokens.size() == 1) {
        firstToken = System.nanoTime();
      }
      if (!more) {
        break;
      }
      logits = decoder.step(token, prompt.positions());
    }
    long finished = System.nanoTime();
    event.ifPresent(decode -> {
      decode.tokens = answer.tokens.size();
      decode.commit();
    });
    int laterTokens = Math.max(0, answer.tokens.size() - 1);
    double decodeMs = millis(finished - firstToken);
    return new GenerationResult(
        answer.text.toString(),
        answer.tokens,
        answer.finishReason,
        prompt.ids().length,
        prompt.imageTokens(),
        answer.logprobs,
        new Timings(
            millis(encoded - started),
            millis(prefilled - encoded),
            decodeMs,
            millis(firstToken - started),
            laterTokens == 0 ? 0 : laterTokens / decodeMs * 1000,
            beginning.readTokens(),
            beginning.readPictures()));
  }

  private void requireRoom(PreparedPrompt prompt) {
    if (prompt.ids().length >= contextLength) {
      throw new InputException(
          "The prompt has "
              + prompt.ids().length
              + " tokens ("
              + prompt.imageTokens()
              + " of them for pictures) but this model reads at most "
              + contextLength
              + " in all; shorten the text or use smaller or fewer pictures.");
    }
  }

  private PromptReader.Beginning begin(
      PreparedPrompt prompt, TokenSequence sequence, GenerationListener listener) {
    // The last token is read in any case, for what comes after it.
    PromptReader.Beginning beginning =
        prompts.begin(prompt, sequence, prompt.ids().length - 1, listener::imageEncoded);
    listener.promptRead(beginning.readTokens(), prompt.ids().length);
    return beginning;
  }

  private float[] prefill(
      PreparedPrompt prompt,
      PromptReader.Beginning beginning,
      int limit,
      GenerationListener listener) {
    Optional<PrefillEvent> event = FlightRecording.begin(() -> new PrefillEvent());
    int length = prompt.ids().length;
    decoder.reserve(length + Math.min(limit, GenerationRequest.DEFAULT_MAX_NEW_TOKENS));
    float[] logits =
        decoder.prefill(
            prompt.ids(),
            beginning.visuals(),
            prompt.positions(),
            done -> listener.promptRead(done, length));
    event.ifPresent(prefill -> {
      prefill.tokens = length - beginning.readTokens();
      prefill.commit();
    });
    return logits;
  }

  private static double millis(long nanos) {
    return nanos / 1e6;
  }

  /** What has been written so far. */
  private static final class Answer {
    private final GenerationRequest request;
    private final Set<Integer> eosTokenIds;
    private final int limit;
    private final TokenStream stream;
    private final StopStrings stops;
    private final StringBuilder text = new StringBuilder();
    private final List<Integer> tokens = new ArrayList<>();
    private final List<TokenLogprob> logprobs = new ArrayList<>();
    private FinishReason finishReason = FinishReason.LENGTH;

    Answer(GenerationRequest request, Tokenizer tokenizer, Set<Integer> eosTokenIds, int limit) {
      this.request = request;
      this.eosTokenIds = request.ignoreEos() ? Set.of() : eosTokenIds;
      this.limit = limit;
      stream = tokenizer.stream(true);
      stops = new StopStrings(request.stopStrings());
    }

    /** Takes a token and returns whether the answer goes on. */
    boolean add(int token, float[] logits) {
      tokens.add(token);
      request.listener().token(token);
      if (request.topLogprobs() >= 0) {
        TokenLogprob logprob = TokenLogprob.of(logits, token, request.topLogprobs());
        logprobs.add(logprob);
        request.listener().logprob(logprob);
      }
      if (eosTokenIds.contains(token)) {
        end(FinishReason.STOP);
        return false;
      }
      emit(stops.accept(stream.add(token)));
      if (stops.stopped()) {
        end(FinishReason.STOP);
        return false;
      }
      if (tokens.size() == limit) {
        end(FinishReason.LENGTH);
        return false;
      }
      return true;
    }

    void end(FinishReason reason) {
      finishReason = reason;
      emit(stops.accept(stream.finish()));
      emit(stops.finish());
    }

    private void emit(String piece) {
      if (!piece.isEmpty()) {
        text.append(piece);
        request.listener().text(piece);
      }
    }
  }
}
