package io.github.vlm4j.models.qwenvl;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.vlm4j.core.model.PatchGrid;
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
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Qwen's models against transformers from messages and picture files on. */
class QwenVlEndToEndTest {

  /** Far below one of the 256 levels: every pixel has the reference's level. */
  private static final double PIXEL_TOLERANCE = 1e-6;

  @ParameterizedTest
  @MethodSource("io.github.vlm4j.models.qwenvl.ReferenceCase#names")
  void promptsTokensAndPositionsEqualTheReference(String name) {
    try (ReferenceCase reference = ReferenceCase.open(name);
        VisionLanguageModel model = VisionLanguageModel.load(reference.folder)) {
      PreparedPrompt prompt = model.prompt(messages(reference));

      assertThat(prompt.text()).isEqualTo(reference.expected.get("prompt").asText());
      assertThat(prompt.ids()).isEqualTo(reference.ints("promptTokenIds"));
      JsonNode axes = reference.expected.get("positionIds");
      int delta = reference.expected.get("ropeDelta").asInt();
      int length = prompt.ids().length;
      for (int i = 0; i < length; i++) {
        assertThat(prompt.positions().time(i)).isEqualTo(axes.get(0).get(i).asInt());
        assertThat(prompt.positions().height(i)).isEqualTo(axes.get(1).get(i).asInt());
        assertThat(prompt.positions().width(i)).isEqualTo(axes.get(2).get(i).asInt());
      }
      assertThat(prompt.positions().width(length + 5)).isEqualTo(length + 5 + delta);
    }
  }

  @ParameterizedTest
  @MethodSource("io.github.vlm4j.models.qwenvl.ReferenceCase#names")
  void gridsAndPixelsEqualTheReference(String name) {
    try (ReferenceCase reference = ReferenceCase.open(name);
        VisionLanguageModel model = VisionLanguageModel.load(reference.folder)) {
      List<PatchGrid> images = new ArrayList<>();
      List<PatchGrid> videos = new ArrayList<>();
      for (PreparedVisual visual : model.prompt(messages(reference)).visuals()) {
        boolean video = visual.grid().frames() > 1;
        String item = video ? "video." + videos.size() : "image." + images.size();
        (video ? videos : images).add(visual.grid());
        Tensor expected = reference.tensor(item + ".pixel_values");
        reference.assertClose(
            item + ".pixel_values",
            Tensor.ofFloats(visual.pixels(), expected.shape().toArray()),
            PIXEL_TOLERANCE);
      }
      assertThat(images).isEqualTo(reference.grids("imageGridThw"));
      assertThat(videos).isEqualTo(reference.grids("videoGridThw"));
    }
  }

  @ParameterizedTest
  @MethodSource("io.github.vlm4j.models.qwenvl.ReferenceCase#names")
  void greedyAnswersEqualTheReference(String name) {
    try (ReferenceCase reference = ReferenceCase.open(name);
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
      assertThat(all.text()).isEqualTo(reference.expected.get("greedyText").asText());
      assertThat(streamed).hasToString(all.text());
      assertThat(all.promptTokens()).isEqualTo(reference.ints("promptTokenIds").length);

      GenerationResult ended = model.generate(request(reference, expected.length).build());
      assertThat(tokens(ended)).isEqualTo(reference.ints("tokensUntilEos"));
      assertThat(ended.finishReason().name().toLowerCase(Locale.ROOT))
          .isEqualTo(reference.expected.get("finishReason").asText());
    }
  }

  private static List<Message> messages(ReferenceCase reference) {
    return MessagesFile.read(reference.folder.resolve("messages.json"));
  }

  private static GenerationRequest.Builder request(ReferenceCase reference, int newTokens) {
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
