package io.github.vlm4j.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.vlm4j.core.InputException;
import io.github.vlm4j.models.chat.AnswerScore;
import io.github.vlm4j.models.chat.GenerationRequest;
import io.github.vlm4j.models.chat.GenerationResult;
import io.github.vlm4j.models.chat.Message;
import io.github.vlm4j.models.chat.MessagesFile;
import io.github.vlm4j.text.generate.SamplingOptions;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Losses and log-probabilities of answers against transformers; see tools/reference/score. */
class AnswerScoreTest {

  private static final ObjectMapper JSON = new ObjectMapper();

  private static Path resource(String name) {
    try {
      return Path.of(Objects.requireNonNull(AnswerScoreTest.class.getResource(name)).toURI());
    } catch (URISyntaxException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  private static List<Message> messages(Path folder) {
    return MessagesFile.read(folder.resolve("messages.json"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"tied_one_image", "untied_two_images"})
  void lossesAndLogprobsEqualTheReference(String name) throws IOException {
    Path folder = resource("/qwen3vl/" + name);
    JsonNode cases = JSON.readTree(resource("/score/" + name + ".json").toFile());
    assertThat(cases).isNotEmpty();
    try (VisionLanguageModel model = VisionLanguageModel.load(folder)) {
      for (JsonNode expected : cases) {
        String answer = expected.get("answer").textValue();
        AnswerScore score =
            expected.get("end").isNull()
                ? model.score(messages(folder), answer)
                : model.score(messages(folder), answer, expected.get("end").textValue());
        assertThat(JSON.<JsonNode>valueToTree(score.tokens())).isEqualTo(expected.get("tokens"));
        assertThat(score.promptTokens()).isEqualTo(expected.get("promptTokens").intValue());
        assertThat(score.imageTokens()).isEqualTo(expected.get("imageTokens").intValue());
        double loss = expected.get("loss").doubleValue();
        assertThat(score.loss()).isCloseTo(loss, within(1e-4));
        assertThat(score.perplexity()).isCloseTo(Math.exp(loss), within(1e-4 * Math.exp(loss)));
        assertThat(score.logprobs()).hasSize(score.tokens().size());
        for (int i = 0; i < score.logprobs().size(); i++) {
          assertThat(score.logprobs().get(i))
              .as("token %d of \"%s\"", i, answer)
              .isCloseTo(expected.get("logprobs").get(i).doubleValue(), within(1e-4));
        }
        assertThat(score.logLikelihood())
            .isCloseTo(-loss * score.tokens().size(), within(1e-4 * score.tokens().size()));
      }
    }
  }

  @Test
  void scoresWhatTheModelItselfWroteAsItSaidWhileWriting() {
    Path folder = resource("/qwen3vl/tied_one_image");
    try (VisionLanguageModel model = VisionLanguageModel.load(folder)) {
      GenerationResult written =
          model.generate(
              GenerationRequest.builder()
                  .messages(messages(folder))
                  .sampling(SamplingOptions.GREEDY)
                  .maxNewTokens(24)
                  .ignoreEos(true)
                  .topLogprobs(0)
                  .build());
      // Where the text is tokenised as it was written, the two ways must agree.
      AnswerScore score = model.score(messages(folder), written.text());
      int same = 0;
      while (same < written.tokens().size()
          && same < score.tokens().size()
          && written.tokens().get(same).equals(score.tokens().get(same))) {
        assertThat(score.logprobs().get(same))
            .isCloseTo(written.logprobs().get(same).logprob(), within(1e-4));
        same++;
      }
      assertThat(same).isPositive();
    }
  }

  @Test
  void anAnswerWithoutTokensIsRefused() {
    Path folder = resource("/qwen3vl/text_only");
    try (VisionLanguageModel model = VisionLanguageModel.load(folder)) {
      assertThatThrownBy(() -> model.score(messages(folder), ""))
          .isInstanceOf(InputException.class)
          .hasMessageContaining("no tokens");
    }
  }

  @Test
  void anAnswerThatDoesNotFitTheContextIsRefused() {
    Path folder = resource("/qwen3vl/text_only");
    try (VisionLanguageModel model = VisionLanguageModel.load(folder)) {
      assertThatThrownBy(() -> model.score(messages(folder), "q ".repeat(600)))
          .isInstanceOf(InputException.class)
          .hasMessageContaining("1024");
    }
  }

  @Test
  void anEndThatIsNoTokenIsRefused() {
    Path folder = resource("/qwen3vl/text_only");
    try (VisionLanguageModel model = VisionLanguageModel.load(folder)) {
      assertThatThrownBy(() -> model.score(messages(folder), "a", "<|fin|>"))
          .isInstanceOf(InputException.class)
          .hasMessageContaining("<|fin|>");
    }
  }
}
