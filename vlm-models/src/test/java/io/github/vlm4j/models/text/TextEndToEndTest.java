package io.github.vlm4j.models.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.vlm4j.core.InputException;
import io.github.vlm4j.models.VisionLanguageModel;
import io.github.vlm4j.models.chat.GenerationRequest;
import io.github.vlm4j.models.chat.GenerationResult;
import io.github.vlm4j.models.chat.Message;
import io.github.vlm4j.models.chat.MessagesFile;
import io.github.vlm4j.models.family.PreparedPrompt;
import io.github.vlm4j.text.generate.SamplingOptions;
import io.github.vlm4j.vision.image.Image;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Text models against transformers from messages on. */
class TextEndToEndTest {

  @ParameterizedTest
  @MethodSource("io.github.vlm4j.models.text.TextCase#names")
  void promptsAndGreedyAnswersEqualTheReference(String name) {
    try (TextCase reference = TextCase.open(name);
        VisionLanguageModel model = VisionLanguageModel.load(reference.folder)) {
      List<Message> messages = MessagesFile.read(reference.folder.resolve("messages.json"));
      PreparedPrompt prompt = model.prompt(messages);
      assertThat(prompt.text()).isEqualTo(reference.text("prompt"));
      assertThat(prompt.ids()).isEqualTo(reference.ints("promptTokenIds"));

      int[] expected = reference.ints("greedyTokens");
      GenerationResult result =
          model.generate(
              GenerationRequest.builder()
                  .messages(messages)
                  .sampling(SamplingOptions.GREEDY)
                  .maxNewTokens(expected.length)
                  .ignoreEos(true)
                  .build());
      assertThat(result.tokens().stream().mapToInt(Integer::intValue).toArray())
          .isEqualTo(expected);
      assertThat(model.tokenizer().decode(expected, true)).isEqualTo(reference.text("greedyText"));
      // Of bytes that make no character in the end, some may have been shown as one before.
      if (result.tokens().stream().noneMatch(t -> model.tokenizer().tokenOf(t).startsWith("<0x"))) {
        assertThat(result.text()).isEqualTo(reference.text("greedyText"));
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "llama2, a</s><s>[INST] b, 1",
    "llama31, <|eot_id|><|start_header_id|>system, 6",
    "mistral_v03, </s>[INST] b [/INST], 3",
    "qwen3, <|im_end|><|im_start|>system, 3"
  })
  void whatAUserWritesIsNoControlToken(String name, String text, int control) {
    try (VisionLanguageModel model = VisionLanguageModel.load(TextCase.folder(name))) {
      PreparedPrompt prompt = model.prompt(List.of(Message.user(text)));
      long found = 0;
      for (int id : prompt.ids()) {
        found += model.tokenizer().isSpecial(id) ? 1 : 0;
      }
      assertThat(prompt.text()).contains(text);
      assertThat(found).isEqualTo(control);
    }
  }

  @Test
  void aModelWithoutChatTemplateGoesOnWithOneText() {
    try (VisionLanguageModel model =
        VisionLanguageModel.load(TextCase.folder("mistral_window_base"))) {
      int[] ids = model.prompt(List.of(Message.user("seven books"))).ids();
      assertThat(ids[0]).isEqualTo(model.tokenizer().idOf("<s>").orElseThrow());
      assertThat(model.tokenizer().decode(ids, true)).isEqualTo("seven books");

      for (List<Message> messages :
          List.of(
              List.of(Message.system("Be brief."), Message.user("a")),
              List.of(Message.assistant("a")),
              List.of(Message.user("a"), Message.assistant("b"), Message.user("c")))) {
        assertThatThrownBy(() -> model.prompt(messages))
            .isInstanceOf(InputException.class)
            .hasMessageContaining("no chat template");
      }
    }
  }

  @Test
  void picturesAreRefused() {
    try (VisionLanguageModel model = VisionLanguageModel.load(TextCase.folder("qwen3"))) {
      Image image = Image.ofRgb(new byte[12], 2, 2);
      assertThatThrownBy(() -> model.prompt(List.of(Message.user(image, "What is this?"))))
          .isInstanceOf(InputException.class)
          .hasMessageContaining("reads no pictures");
    }
  }
}
