package io.github.vlm4j.models.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.ModelException;
import io.github.vlm4j.core.VlmException;
import io.github.vlm4j.core.checkpoint.ConfigNode;
import io.github.vlm4j.models.LoadOptions;
import io.github.vlm4j.models.ModelLayout;
import io.github.vlm4j.models.VisionLanguageModel;
import io.github.vlm4j.models.chat.GenerationRequest;
import io.github.vlm4j.models.chat.GenerationResult;
import io.github.vlm4j.models.chat.Message;
import io.github.vlm4j.models.chat.MessagesFile;
import io.github.vlm4j.models.family.ModelParts;
import io.github.vlm4j.text.generate.SamplingOptions;
import io.github.vlm4j.vision.image.Image;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Vision-language models in the two files that llama.cpp converted them to. */
class GgufVisionTest {

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"qwen3vl", "qwen2vl", "qwen25vl"})
  void answersEqualThoseOfLlamaCpp(String name) throws Exception {
    Path resources = GgufTextTest.resources();
    Path files = resources.resolve("gguf/" + name);
    ConfigNode expected = ConfigNode.read(files.resolve("expected.json"));
    Image picture = Image.of(resources.resolve(expected.string("picture")));
    try (VisionLanguageModel model = VisionLanguageModel.load(files.resolve("model.gguf"))) {
      int[] tokens =
          greedy(
              model,
              List.of(Message.user(picture, expected.string("question"))),
              expected.positiveInt("tokens"));
      assertThat(model.tokenizer().decode(tokens, false)).isEqualTo(expected.string("text"));
    }
  }

  @Test
  void anAnswerInSinglePrecisionEqualsThatOfTransformers() throws Exception {
    Path resources = GgufTextTest.resources();
    Path source = resources.resolve("qwen3vl/tied_one_image");
    int[] expected = ConfigNode.read(source.resolve("expected.json")).ints("greedyTokens");
    try (VisionLanguageModel model =
        VisionLanguageModel.load(resources.resolve("gguf/qwen3vl/model.gguf"))) {
      List<Message> messages = MessagesFile.read(source.resolve("messages.json"));
      assertThat(greedy(model, messages, expected.length)).isEqualTo(expected);
    }
  }

  /** llama.cpp's own programs have no template that says what this model's does. */
  @Test
  void anAnswerOfLlavaEqualsThatOfTransformers() throws Exception {
    Path resources = GgufTextTest.resources();
    Path source = resources.resolve("llava/clip_llama_published");
    ConfigNode expected = ConfigNode.read(source.resolve("expected.json"));
    List<Message> messages = MessagesFile.read(source.resolve("messages.json"));
    try (VisionLanguageModel model =
        VisionLanguageModel.load(resources.resolve("gguf/llava/model.gguf"))) {
      assertThat(model.prompt(messages).ids()).isEqualTo(expected.ints("promptTokenIds"));
      int[] answer = expected.ints("greedyTokens");
      assertThat(greedy(model, messages, answer.length)).isEqualTo(answer);
    }
  }

  static int[] greedy(VisionLanguageModel model, List<Message> messages, int tokens) {
    GenerationResult result =
        model.generate(
            GenerationRequest.builder()
                .messages(messages)
                .sampling(SamplingOptions.GREEDY)
                .maxNewTokens(tokens)
                .ignoreEos(true)
                .build());
    return result.tokens().stream().mapToInt(Integer::intValue).toArray();
  }

  @Test
  void theVisionEncoderIsTheOneGivenOrTheOnlyOneBeside() throws Exception {
    Path files = GgufTextTest.resources().resolve("gguf/qwen3vl");
    Path model = Files.copy(files.resolve("model.gguf"), folder.resolve("a.gguf"));
    assertThatThrownBy(() -> ModelLayout.read(model))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("a.gguf is the language model of a vision-language model; give its")
        .hasMessageContaining("--mmproj");
    Path mmproj = files.resolve("mmproj-model.gguf");
    ModelLayout given = ModelLayout.read(ModelParts.of(model).withMmproj(mmproj));
    assertThat(given.modelType()).isEqualTo("qwen3_vl");
    Files.copy(mmproj, folder.resolve("mmproj-1.gguf"));
    assertThat(ModelLayout.read(model).modules().byteSize()).isEqualTo(given.modules().byteSize());
    Files.copy(mmproj, folder.resolve("mmproj-2.gguf"));
    assertThatThrownBy(() -> ModelLayout.read(model))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("holds several mmproj*.gguf files; name one with --mmproj");
  }

  @Test
  void filesOfDifferentModelsAreRefused() throws Exception {
    Path gguf = GgufTextTest.resources().resolve("gguf");
    assertRefused(
        ModelParts.of(gguf.resolve("qwen3vl/model.gguf"))
            .withMmproj(gguf.resolve("qwen2vl/mmproj-model.gguf")),
        "belong to different models: the latter is the vision encoder of a qwen2_vl model");
    assertRefused(
        ModelParts.of(gguf.resolve("qwen3.gguf"))
            .withMmproj(gguf.resolve("qwen3vl/mmproj-model.gguf")),
        "qwen3.gguf is a qwen3 model of text alone; leave it out");
    assertRefused(
        ModelParts.of(gguf.resolve("qwen3vl/model.gguf")).withMmproj(gguf.resolve("qwen3.gguf")),
        "general.architecture must be \"clip\", that of an mmproj file, got \"qwen3\"");
    assertRefused(
        ModelParts.of(gguf.resolve("qwen3vl/mmproj-model.gguf")),
        "general.architecture must be llama, qwen2, qwen3, qwen2vl or qwen3vl");
  }

  private static void assertRefused(ModelParts parts, String message) {
    assertThatThrownBy(() -> VisionLanguageModel.load(parts, LoadOptions.DEFAULT))
        .isInstanceOf(VlmException.class)
        .hasMessageContaining(message);
  }
}
