package io.github.vlm4j.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.vlm4j.models.chat.AnswerScore;
import io.github.vlm4j.models.chat.GenerationListener;
import io.github.vlm4j.models.chat.GenerationRequest;
import io.github.vlm4j.models.chat.GenerationResult;
import io.github.vlm4j.models.chat.Message;
import io.github.vlm4j.models.chat.Timings;
import io.github.vlm4j.text.generate.FinishReason;
import io.github.vlm4j.text.generate.SamplingOptions;
import io.github.vlm4j.text.generate.TokenLogprob;
import io.github.vlm4j.vision.image.Image;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is kept of a request changes how fast those that follow are answered, and nothing else. */
class ReuseTest {

  private static final double TOLERANCE = 1e-5;
  private static final int NEW_TOKENS = 12;
  private static final int ALTERNATIVES = 40;
  private static final String QWEN = "/qwen3vl/tied_one_image";

  /** A model that keeps what it can and one that keeps nothing, asked the same. */
  private static final class Pair implements AutoCloseable {

    final VisionLanguageModel keeping;
    final VisionLanguageModel forgetting;

    Pair(String name) {
      this(name, Reuse.standard());
    }

    Pair(String name, Reuse reuse) {
      keeping = VisionLanguageModel.load(folder(name), LoadOptions.DEFAULT.withReuse(reuse));
      forgetting =
          VisionLanguageModel.load(folder(name), LoadOptions.DEFAULT.withReuse(Reuse.NONE));
    }

    /** Requires equal answers and returns what was reused for one of them. */
    GenerationResult ask(List<Message> conversation) {
      GenerationResult kept = keeping.generate(request(conversation).build());
      GenerationResult fresh = forgetting.generate(request(conversation).build());
      assertThat(fresh.timings().reusedTokens()).isZero();
      assertThat(fresh.timings().reusedImages()).isZero();
      assertSame(kept, fresh);
      return kept;
    }

    @Override
    public void close() {
      keeping.close();
      forgetting.close();
    }
  }

  private static Path folder(String name) {
    try {
      return Path.of(Objects.requireNonNull(ReuseTest.class.getResource(name), name).toURI());
    } catch (URISyntaxException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  private static GenerationRequest.Builder request(List<Message> conversation) {
    return GenerationRequest.builder()
        .messages(conversation)
        .sampling(SamplingOptions.GREEDY)
        .maxNewTokens(NEW_TOKENS)
        .ignoreEos(true)
        .topLogprobs(ALTERNATIVES);
  }

  private static void assertSame(GenerationResult actual, GenerationResult expected) {
    assertThat(actual.tokens()).isEqualTo(expected.tokens());
    for (int i = 0; i < expected.logprobs().size(); i++) {
      List<TokenLogprob.Alternative> top = actual.logprobs().get(i).top();
      for (int j = 0; j < top.size(); j++) {
        double logprob = expected.logprobs().get(i).top().get(j).logprob();
        assertThat(top.get(j).logprob())
            .as("logprob %d of token %d", j, i)
            .isCloseTo(logprob, within(TOLERANCE * Math.max(1, Math.abs(logprob))));
      }
    }
  }

  /** Pictures of one size, so that only what they show tells them apart. */
  private static Image picture(int seed) {
    return picture(seed, 48, 40);
  }

  private static Image picture(int seed, int width, int height) {
    byte[] rgb = new byte[3 * width * height];
    for (int i = 0; i < rgb.length; i++) {
      rgb[i] = (byte) ((i / 3 * (seed + 3) + i % 3 * 90 * seed) >> 2);
    }
    return Image.ofRgb(rgb, width, height);
  }

  private static List<Message> and(List<Message> conversation, Message... more) {
    List<Message> all = new ArrayList<>(conversation);
    all.addAll(List.of(more));
    return all;
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        QWEN,
        "/qwen3vl/untied_two_images",
        "/qwen3vl/sharded_bf16",
        "/qwenvl/qwen2_one_image",
        "/qwenvl/qwen2_5_sliding_window",
        "/qwenvl/qwen3_moe_one_image",
        "/llava/clip_llama_published",
        "/llava/clip_mistral_window",
        "/llava/next_clip_mistral"
      })
  void aConversationWithPicturesInSeveralTurnsIsReadOnce(String name) {
    try (Pair pair = new Pair(name)) {
      List<Message> conversation = List.of(Message.user(picture(1), "What is in the picture?"));
      GenerationResult first = pair.ask(conversation);
      assertThat(first.timings().reusedTokens()).isZero();
      assertThat(first.timings().reusedImages()).isZero();

      conversation =
          and(
              conversation,
              Message.assistant("A small red square."),
              Message.user(List.of(picture(2), picture(3, 60, 20)), "And in these?"));
      GenerationResult second = pair.ask(conversation);
      assertThat(second.timings().reusedTokens()).isGreaterThan(first.promptTokens() - 3);
      assertThat(second.timings().reusedImages()).isEqualTo(1);

      conversation = and(conversation, Message.assistant("Two."), Message.user("Which is wide?"));
      GenerationResult third = pair.ask(conversation);
      assertThat(third.timings().reusedTokens()).isGreaterThan(second.promptTokens() - 3);
      assertThat(third.timings().reusedImages()).isEqualTo(3);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/decoders/llama31",
        "/decoders/mistral_v03",
        "/decoders/qwen2_window",
        "/decoders/llama_yarn",
        "/decoders/qwen3_window_bias",
        "/decoders/qwen3_moe"
      })
  void aConversationInWordsIsReadOnce(String name) {
    try (Pair pair = new Pair(name)) {
      List<Message> conversation = List.of(Message.user("How many books are on the table?"));
      GenerationResult first = pair.ask(conversation);
      conversation =
          and(conversation, Message.assistant(first.text()), Message.user("And under it?"));
      GenerationResult second = pair.ask(conversation);
      assertThat(second.timings().reusedTokens()).isGreaterThan(first.promptTokens() - 3);
      conversation = and(conversation, Message.assistant("Seven."), Message.user("Why?"));
      GenerationResult third = pair.ask(conversation);
      assertThat(third.timings().reusedTokens()).isGreaterThan(second.promptTokens() - 3);
    }
  }

  @Test
  void theSameQuestionAgainNeedsItsLastTokenOnly() {
    try (Pair pair = new Pair(QWEN)) {
      List<Message> conversation = List.of(Message.user(picture(1), "What is it?"));
      pair.ask(conversation);
      GenerationResult again = pair.ask(conversation);
      assertThat(again.timings().reusedTokens()).isEqualTo(again.promptTokens() - 1);
      assertThat(again.timings().reusedImages()).isEqualTo(1);
    }
  }

  @Test
  void aConversationThatTakesAnotherTurnIsReadFromThere() {
    try (Pair pair = new Pair(QWEN)) {
      List<Message> begun =
          List.of(
              Message.user(picture(1), "What is it?"),
              Message.assistant("A star."),
              Message.user("Of which colour?"),
              Message.assistant("Green."),
              Message.user("Is it large or is it small?"));
      pair.ask(begun);
      List<Message> turned = and(begun.subList(0, 2), Message.user("Where does it lie?"));
      int shared =
          Arrays.mismatch(pair.keeping.prompt(begun).ids(), pair.keeping.prompt(turned).ids());
      assertThat(shared).isPositive();

      assertThat(pair.ask(turned).timings().reusedTokens()).isEqualTo(shared);
      Timings back = pair.ask(begun).timings();
      assertThat(back.reusedTokens()).isEqualTo(shared);
      assertThat(back.reusedImages()).isEqualTo(1);
    }
  }

  @Test
  void anglesThatStretchWithThePromptAreMadeAnew() {
    try (Pair pair = new Pair("/clipqwen/qwen")) {
      List<Message> conversation = List.of(Message.user("a"));
      int before = 0;
      int stretched = 0;
      for (int turn = 0; turn < 8; turn++) {
        GenerationResult result = pair.ask(conversation);
        // Trained with 32 tokens: the base grows with the powers of two that a prompt needs.
        int now = doublings(result.promptTokens());
        if (turn > 0 && now != before) {
          stretched++;
          assertThat(result.timings().reusedTokens()).isZero();
        } else if (turn > 0) {
          assertThat(result.timings().reusedTokens()).isPositive();
        }
        before = now;
        conversation = and(conversation, Message.assistant("b"), Message.user("c"));
      }
      assertThat(stretched).isPositive();
    }
  }

  private static int doublings(int tokens) {
    int doublings = 0;
    while (32 << doublings < tokens) {
      doublings++;
    }
    return doublings;
  }

  @ParameterizedTest
  @ValueSource(strings = {QWEN, "/llava/clip_llama_published"})
  void anotherPictureUnderTheSameWordsIsLookedAt(String name) {
    try (Pair pair = new Pair(name)) {
      GenerationResult one = pair.ask(List.of(Message.user(picture(1), "What is it?")));
      GenerationResult other = pair.ask(List.of(Message.user(picture(7), "What is it?")));
      assertThat(other.promptTokens()).isEqualTo(one.promptTokens());
      assertThat(other.timings().reusedTokens())
          .isLessThan(other.promptTokens() - other.imageTokens());
      assertThat(other.timings().reusedImages()).isZero();
      assertThat(other.logprobs()).isNotEqualTo(one.logprobs());
    }
  }

  @Test
  void theSecondOfTwoPicturesMayChange() {
    try (Pair pair = new Pair(QWEN)) {
      pair.ask(List.of(Message.user(List.of(picture(1), picture(2)), "Compare them.")));
      GenerationResult changed =
          pair.ask(List.of(Message.user(List.of(picture(1), picture(4)), "Compare them.")));
      assertThat(changed.timings().reusedImages()).isEqualTo(1);
      assertThat(changed.timings().reusedTokens()).isGreaterThan(changed.imageTokens() / 2);
      GenerationResult swapped =
          pair.ask(List.of(Message.user(List.of(picture(4), picture(1)), "Compare them.")));
      assertThat(swapped.timings().reusedImages()).isEqualTo(2);
      assertThat(swapped.timings().reusedTokens()).isLessThan(swapped.imageTokens() / 2);
    }
  }

  @Test
  void aPictureInANewConversationIsNotEncodedAgain() {
    try (Pair pair = new Pair(QWEN)) {
      pair.ask(List.of(Message.user(picture(1), "What is it?")));
      List<Integer> encoded = new ArrayList<>();
      List<Message> other =
          List.of(Message.system("Be brief."), Message.user(picture(1), "Where is it?"));
      pair.keeping.generate(
          request(other)
              .listener(
                  new GenerationListener() {
                    @Override
                    public void imageEncoded(int done, int total) {
                      encoded.add(done);
                    }
                  })
              .build());
      assertThat(encoded).isEmpty();
      assertThat(pair.ask(other).timings().reusedImages()).isEqualTo(1);
    }
  }

  @Test
  void featuresThatWereNotUsedForLongestMakeRoom() {
    long onePicture = bytes(QWEN, picture(1));
    try (Pair pair = new Pair(QWEN, new Reuse(false, 2 * onePicture))) {
      assertThat(reusedImages(pair, 1)).isZero();
      assertThat(reusedImages(pair, 2)).isZero();
      assertThat(reusedImages(pair, 1)).isEqualTo(1);
      // The second was not used for longer than the first.
      assertThat(reusedImages(pair, 3)).isZero();
      assertThat(reusedImages(pair, 1)).isEqualTo(1);
      assertThat(reusedImages(pair, 2)).isZero();
    }
  }

  @Test
  void featuresThatDoNotFitAreNotKept() {
    try (Pair pair = new Pair(QWEN, new Reuse(false, bytes(QWEN, picture(1)) - 1))) {
      assertThat(reusedImages(pair, 1)).isZero();
      assertThat(reusedImages(pair, 1)).isZero();
    }
  }

  @Test
  void aPictureThatComesTwiceIsEncodedOnce() {
    try (Pair pair = new Pair(QWEN)) {
      GenerationResult result =
          pair.keeping.generate(
              request(List.of(Message.user(List.of(picture(1), picture(1)), "Compare them.")))
                  .build());
      assertThat(result.timings().reusedImages()).isEqualTo(1);
    }
  }

  private static int reusedImages(Pair pair, int seed) {
    Timings timings =
        pair.ask(List.of(Message.user(picture(seed), "What is it? " + seed))).timings();
    assertThat(timings.reusedTokens()).isZero();
    return timings.reusedImages();
  }

  /** The bytes of what the decoder reads of a picture. */
  private static long bytes(String name, Image image) {
    try (VisionLanguageModel model = VisionLanguageModel.load(folder(name))) {
      return model.features(image, Set.of()).values().stream()
          .mapToLong(tensor -> 4L * tensor.shape().elements())
          .sum();
    }
  }

  @Test
  void anAnswerThatWasBrokenOffLeavesWhatWasReadInOrder() {
    try (Pair pair = new Pair(QWEN)) {
      List<Message> conversation = List.of(Message.user(picture(1), "What is in the picture?"));
      GenerationResult cancelled =
          pair.keeping.generate(
              request(conversation)
                  .listener(
                      new GenerationListener() {
                        @Override
                        public boolean cancelled() {
                          return true;
                        }
                      })
                  .build());
      assertThat(cancelled.finishReason()).isEqualTo(FinishReason.CANCELLED);
      assertThatThrownBy(() ->
              pair.keeping.generate(
                  request(and(conversation, Message.assistant("a"), Message.user("b")))
                      .listener(
                          new GenerationListener() {
                            @Override
                            public void token(int token) {
                              throw new IllegalStateException("enough");
                            }
                          })
                      .build()))
          .hasMessage("enough");
      GenerationResult next =
          pair.ask(and(conversation, Message.assistant("a"), Message.user("c")));
      assertThat(next.timings().reusedTokens()).isGreaterThan(cancelled.promptTokens());
    }
  }

  @Test
  void answersAreScoredAlikeWhetherTheirQuestionWasReadOrNot() {
    try (Pair pair = new Pair(QWEN)) {
      List<Message> question = List.of(Message.user(picture(1), "What is it?"));
      pair.ask(question);
      for (String answer : List.of("A star.", "A star that is green.", "A", "Green.")) {
        AnswerScore kept = pair.keeping.score(question, answer);
        AnswerScore fresh = pair.forgetting.score(question, answer);
        assertThat(kept.tokens()).isEqualTo(fresh.tokens());
        for (int i = 0; i < fresh.logprobs().size(); i++) {
          assertThat(kept.logprobs().get(i)).isCloseTo(fresh.logprobs().get(i), within(TOLERANCE));
        }
        pair.ask(question);
      }
    }
  }

  @Test
  void severalConversationsAtOnceDoNotMix() throws InterruptedException, ExecutionException {
    List<List<Message>> conversations = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      List<Message> begun = List.of(Message.user(picture(i % 2), "What is it?"));
      conversations.add(begun);
      conversations.add(and(begun, Message.assistant("It is " + i), Message.user("Are you sure?")));
    }
    try (Pair pair = new Pair(QWEN);
        ExecutorService threads = Executors.newFixedThreadPool(4)) {
      List<GenerationResult> expected =
          conversations.stream().map(c -> pair.forgetting.generate(request(c).build())).toList();
      for (int round = 0; round < 3; round++) {
        List<Future<GenerationResult>> answers =
            conversations.stream()
                .map(c -> threads.submit(() -> pair.keeping.generate(request(c).build())))
                .toList();
        for (int i = 0; i < answers.size(); i++) {
          assertSame(answers.get(i).get(), expected.get(i));
        }
      }
    }
  }
}
