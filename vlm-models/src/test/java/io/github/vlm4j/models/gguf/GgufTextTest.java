package io.github.vlm4j.models.gguf;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.vlm4j.core.checkpoint.ConfigNode;
import io.github.vlm4j.models.VisionLanguageModel;
import io.github.vlm4j.models.chat.GenerationRequest;
import io.github.vlm4j.models.chat.GenerationResult;
import io.github.vlm4j.models.chat.Message;
import io.github.vlm4j.models.chat.MessagesFile;
import io.github.vlm4j.models.family.PreparedPrompt;
import io.github.vlm4j.text.generate.SamplingOptions;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Text models in the files that llama.cpp converted them to, against llama.cpp. */
class GgufTextTest {

  @ParameterizedTest
  @ValueSource(strings = {"qwen3", "qwen2_yarn", "llama2", "llama31", "qwen3_q8_0", "qwen3_q4_0"})
  void answersAndTokensEqualThoseOfLlamaCpp(String name) throws Exception {
    Path resources = resources();
    ConfigNode expected = ConfigNode.read(resources.resolve("gguf/" + name + ".json"));
    Path source = resources.resolve(expected.string("source"));
    try (VisionLanguageModel model =
        VisionLanguageModel.load(resources.resolve("gguf/" + name + ".gguf"))) {
      List<String> texts = expected.strings("texts");
      List<int[]> tokens = expected.intLists("textTokens");
      for (int i = 0; i < texts.size(); i++) {
        assertThat(model.tokenizer().encode(texts.get(i)))
            .as(texts.get(i))
            .isEqualTo(tokens.get(i));
      }
      ConfigNode original = ConfigNode.read(source.resolve("expected.json"));
      List<Message> messages = MessagesFile.read(source.resolve("messages.json"));
      PreparedPrompt prompt = model.prompt(messages);
      assertThat(prompt.text()).isEqualTo(original.string("prompt"));
      assertThat(prompt.ids()).isEqualTo(original.ints("promptTokenIds"));

      int[] answer = expected.ints("greedyTokens");
      GenerationResult result =
          model.generate(
              GenerationRequest.builder()
                  .messages(messages)
                  .sampling(SamplingOptions.GREEDY)
                  .maxNewTokens(answer.length)
                  .ignoreEos(true)
                  .build());
      assertThat(result.tokens().stream().mapToInt(Integer::intValue).toArray()).isEqualTo(answer);
    }
  }

  static Path resources() throws Exception {
    return Path.of(GgufTextTest.class.getResource("/gguf/qwen3.gguf").toURI())
        .getParent()
        .getParent();
  }
}
