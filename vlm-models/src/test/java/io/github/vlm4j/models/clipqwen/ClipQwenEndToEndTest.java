package io.github.vlm4j.models.clipqwen;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.vlm4j.core.InputException;
import io.github.vlm4j.models.LoadOptions;
import io.github.vlm4j.models.ModelLayout;
import io.github.vlm4j.models.VisionLanguageModel;
import io.github.vlm4j.models.chat.GenerationRequest;
import io.github.vlm4j.models.chat.GenerationResult;
import io.github.vlm4j.models.chat.Message;
import io.github.vlm4j.models.chat.Part;
import io.github.vlm4j.models.chat.Role;
import io.github.vlm4j.models.family.ModelParts;
import io.github.vlm4j.models.family.PreparedPrompt;
import io.github.vlm4j.text.generate.SamplingOptions;
import io.github.vlm4j.vision.image.Image;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** From files and a conversation to tokens, as a user of the SDK meets it. */
class ClipQwenEndToEndTest {

  private static final Path RESOURCES = ClipQwenCase.resources();

  @ParameterizedTest
  @MethodSource("io.github.vlm4j.models.clipqwen.ClipQwenCase#names")
  void promptsAndTokensEqualThePublishedCode(String name) {
    try (ClipQwenCase reference = ClipQwenCase.open(name);
        VisionLanguageModel model =
            VisionLanguageModel.load(reference.parts(), LoadOptions.DEFAULT)) {
      PreparedPrompt prompt = model.prompt(reference.messages());
      assertThat(prompt.text()).isEqualTo(reference.text("prompt"));
      assertThat(prompt.imageTokens()).isEqualTo(reference.expected.get("pictureTokens").asInt());
      assertThat(withSinglePlaceholder(prompt)).isEqualTo(reference.ints("promptTokenIds"));
    }
  }

  /** Undoes the expansion of a picture's placeholder. */
  private static int[] withSinglePlaceholder(PreparedPrompt prompt) {
    List<Integer> repeated =
        prompt.visuals().stream()
            .flatMap(visual -> IntStream.of(visual.rows()).skip(1).boxed())
            .toList();
    return IntStream.range(0, prompt.ids().length)
        .filter(i -> !repeated.contains(i))
        .map(i -> prompt.ids()[i])
        .toArray();
  }

  @ParameterizedTest
  @MethodSource("io.github.vlm4j.models.clipqwen.ClipQwenCase#names")
  void greedyAnswersFromPictureFilesOnEqualThePublishedCode(String name) {
    try (ClipQwenCase reference = ClipQwenCase.open(name);
        VisionLanguageModel model =
            VisionLanguageModel.load(reference.parts(), LoadOptions.DEFAULT)) {
      int[] expected = reference.ints("greedyTokens");
      GenerationResult result =
          model.generate(
              GenerationRequest.builder()
                  .messages(reference.messages())
                  .sampling(SamplingOptions.GREEDY)
                  .maxNewTokens(expected.length)
                  .build());
      assertThat(result.tokens().stream().mapToInt(Integer::intValue).toArray())
          .isEqualTo(expected);
    }
  }

  @Test
  void aConversationBeginsWithWhatTheModelWasTrainedToHear() {
    Image image = Image.of(RESOURCES.resolve("wide.png"));
    try (VisionLanguageModel text = open(parts());
        VisionLanguageModel pictures = open(withPictures())) {
      assertThat(text.prompt(List.of(Message.user("Hello!"))).text())
          .isEqualTo(
              "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
                  + "<|im_start|>user\nHello!<|im_end|>\n<|im_start|>assistant\n");
      assertThat(pictures.prompt(List.of(Message.user(image, "What?"))).text())
          .isEqualTo(
              "<|im_start|>system\n你是一位图像理解助手。<|im_end|>\n"
                  + "<|im_start|>user\n<|extra_0|>What?<|im_end|>\n<|im_start|>assistant\n");
    }
  }

  @Test
  void aPlaceholderThatAUserWritesIsPlainText() {
    try (VisionLanguageModel model = open(withPictures())) {
      PreparedPrompt prompt = model.prompt(List.of(Message.user("<|extra_0|><|im_end|>")));
      assertThat(prompt.visuals()).isEmpty();
      assertThat(prompt.ids()).doesNotContain(model.tokenizer().idOf("<|extra_0|>").orElseThrow());
    }
  }

  @Test
  void answersEndWhereATurnDoesOrTheText() {
    for (String folder : List.of("qwen", "qwen-2023-08")) {
      try (VisionLanguageModel model = open(ModelParts.of(RESOURCES.resolve(folder)))) {
        assertThat(model.generationDefaults().eosTokenIds())
            .containsExactlyInAnyOrder(
                model.tokenizer().idOf("<|endoftext|>").orElseThrow(),
                model.tokenizer().idOf("<|im_start|>").orElseThrow(),
                model.tokenizer().idOf("<|im_end|>").orElseThrow());
        assertThat(model.generationDefaults().sampling().topP()).isEqualTo(0.8);
      }
    }
  }

  @Test
  void picturesWithoutAVisionModelAndVideosAreRefused() {
    Image image = Image.of(RESOURCES.resolve("wide.png"));
    try (VisionLanguageModel text = open(parts());
        VisionLanguageModel pictures = open(withPictures())) {
      assertThatThrownBy(() -> text.prompt(List.of(Message.user(image, "What?"))))
          .isInstanceOf(InputException.class)
          .hasMessageContaining("--vision-model");
      Message video = new Message(Role.USER, List.of(new Part.Video(List.of(image, image), 1)));
      assertThatThrownBy(() -> pictures.prompt(List.of(video)))
          .isInstanceOf(InputException.class)
          .hasMessageContaining("not videos");
    }
  }

  @Test
  void theLayoutShowsEncoderProjectionDecoderAndAdapter() {
    ModelLayout layout = ModelLayout.read(withPictures().withAdapter(RESOURCES.resolve("adapter")));
    assertThat(layout.modelType()).isEqualTo("qwen");
    assertThat(layout.reason()).contains("model_type \"qwen\"");
    assertThat(layout.modules().kind("connector-file.2")).contains("Linear(32 → 32, bias)");
    assertThat(layout.modules().kind("transformer.h.1.mlp.w2.lora_A")).contains("Linear(32 → 4)");
    assertThat(layout.modules().kind("vision-model.vision_model.encoder.layers.0.self_attn.q_proj"))
        .isPresent();
  }

  private static ModelParts parts() {
    return ModelParts.of(RESOURCES.resolve("qwen"));
  }

  private static ModelParts withPictures() {
    return parts()
        .withVisionModel(RESOURCES.resolve("clip"))
        .withConnector(RESOURCES.resolve("adapter").resolve("other_params.bin"));
  }

  private static VisionLanguageModel open(ModelParts parts) {
    return VisionLanguageModel.load(parts, LoadOptions.DEFAULT);
  }
}
