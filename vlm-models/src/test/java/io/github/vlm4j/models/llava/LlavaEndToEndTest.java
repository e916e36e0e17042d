package io.github.vlm4j.models.llava;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.models.VisionLanguageModel;
import io.github.vlm4j.models.chat.GenerationListener;
import io.github.vlm4j.models.chat.GenerationRequest;
import io.github.vlm4j.models.chat.GenerationResult;
import io.github.vlm4j.models.chat.Message;
import io.github.vlm4j.models.chat.MessagesFile;
import io.github.vlm4j.models.family.PreparedPrompt;
import io.github.vlm4j.models.family.PreparedVisual;
import io.github.vlm4j.text.generate.SamplingOptions;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** LLaVA against transformers from messages and picture files on. */
class LlavaEndToEndTest {

  private static final double PIXEL_TOLERANCE = 1e-5;
  private static final double TENSOR_TOLERANCE = 1e-4;

  @ParameterizedTest
  @MethodSource("io.github.vlm4j.models.llava.LlavaCase#names")
  void promptsAndTokensEqualTheReference(String name) {
    try (LlavaCase reference = LlavaCase.open(name);
        VisionLanguageModel model = VisionLanguageModel.load(reference.folder)) {
      PreparedPrompt prompt = model.prompt(messages(reference));
      assertThat(prompt.text()).isEqualTo(reference.text("prompt"));
      assertThat(prompt.ids()).isEqualTo(reference.ints("promptTokenIds"));
      assertThat(prompt.positions().time(prompt.ids().length + 3))
          .isEqualTo(prompt.ids().length + 3);
      for (int i = 0; i < prompt.visuals().size(); i++) {
        assertThat(prompt.visuals().get(i).rows())
            .isEqualTo(reference.placeholderRows(i))
            .isNotEmpty();
      }
    }
  }

  @ParameterizedTest
  @MethodSource("io.github.vlm4j.models.llava.LlavaCase#names")
  void pixelsEqualTheReference(String name) {
    try (LlavaCase reference = LlavaCase.open(name);
        VisionLanguageModel model = VisionLanguageModel.load(reference.folder)) {
      List<PreparedVisual> visuals = model.prompt(messages(reference)).visuals();
      for (int i = 0; i < visuals.size(); i++) {
        int side = (int) reference.tensor("image." + i + ".pixel_values").shape().last();
        float[] patches = reference.patches(i, side / visuals.get(i).grid().height());
        assertThat(visuals.get(i).pixels()).hasSameSizeAs(patches);
        for (int j = 0; j < patches.length; j++) {
          assertThat(Math.abs(visuals.get(i).pixels()[j] - patches[j]))
              .isLessThanOrEqualTo((float) PIXEL_TOLERANCE);
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("io.github.vlm4j.models.llava.LlavaCase#names")
  void greedyAnswersEqualTheReference(String name) {
    try (LlavaCase reference = LlavaCase.open(name);
        VisionLanguageModel model = VisionLanguageModel.load(reference.folder)) {
      int[] expected = reference.ints("greedyTokens");
      StringBuilder streamed = new StringBuilder();
      GenerationResult all =
          model.generate(
              request(reference, expected.length)
                  .ignoreEos(true)
                  .listener(appendingTo(streamed))
                  .build());
      assertThat(tokens(all)).isEqualTo(expected);
      assertThat(all.text()).isEqualTo(reference.text("greedyText"));
      assertThat(streamed).hasToString(all.text());
      assertThat(all.promptTokens()).isEqualTo(reference.ints("promptTokenIds").length);

      GenerationResult ended = model.generate(request(reference, expected.length).build());
      assertThat(tokens(ended)).isEqualTo(reference.ints("tokensUntilEos"));
      assertThat(ended.finishReason().name().toLowerCase(Locale.ROOT))
          .isEqualTo(reference.text("finishReason"));
    }
  }

  @Test
  void featuresOfAPictureOutsideAConversationEqualTheReference() {
    try (LlavaCase reference = LlavaCase.open("text_only");
        VisionLanguageModel model = VisionLanguageModel.load(reference.folder)) {
      Map<String, Tensor> features =
          model.features(reference.picture(0), Set.of(VisionLanguageModel.Feature.HIDDEN_STATES));
      assertThat(features).containsKeys("connector", "hidden_states.0", "hidden_states.2");
      features.forEach(
          (stage, tensor) -> reference.assertClose("image.0." + stage, tensor, TENSOR_TOLERANCE));
    }
  }

  private static List<Message> messages(LlavaCase reference) {
    return MessagesFile.read(reference.folder.resolve("messages.json"));
  }

  private static GenerationRequest.Builder request(LlavaCase reference, int newTokens) {
    return GenerationRequest.builder()
        .messages(messages(reference))
        .sampling(SamplingOptions.GREEDY)
        .maxNewTokens(newTokens);
  }

  private static GenerationListener appendingTo(StringBuilder text) {
    return new GenerationListener() {
      @Override
      public void text(String piece) {
        text.append(piece);
      }
    };
  }

  private static int[] tokens(GenerationResult result) {
    return result.tokens().stream().mapToInt(Integer::intValue).toArray();
  }
}
