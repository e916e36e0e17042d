package io.github.vlm4j.models.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.offset;

import io.github.vlm4j.core.VlmException;
import io.github.vlm4j.core.checkpoint.ConfigNode;
import io.github.vlm4j.core.checkpoint.GgufFile;
import io.github.vlm4j.core.checkpoint.GgufValue;
import io.github.vlm4j.models.VisionLanguageModel;
import io.github.vlm4j.models.chat.Message;
import io.github.vlm4j.models.chat.MessagesFile;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Model folders written as GGUF and read back. */
class GgufExportTest {

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "qwen3",
        "qwen25_yarn",
        "llama2",
        "llama31",
        "llama32_tied",
        "llama_linear",
        "mistral_v03",
        "mistral_nemo"
      })
  void aModelThatIsWrittenAndReadBackAnswersAsBefore(String name) throws Exception {
    Path source = GgufTextTest.resources().resolve("decoders/" + name);
    Path target = folder.resolve("model.gguf");
    List<String> told = new ArrayList<>();
    try (GgufExport export = GgufExport.open(source)) {
      export.write(target, GgufExport.Encoding.AS_STORED, told::add);
      assertThat(told).isEqualTo(export.names()).contains("blk.1.attn_q.weight");
    }
    ConfigNode expected = ConfigNode.read(source.resolve("expected.json"));
    List<Message> messages = MessagesFile.read(source.resolve("messages.json"));
    try (VisionLanguageModel model = VisionLanguageModel.load(target)) {
      assertThat(model.prompt(messages).ids()).isEqualTo(expected.ints("promptTokenIds"));
      int[] answer = expected.ints("greedyTokens");
      assertThat(GgufVisionTest.greedy(model, messages, answer.length)).isEqualTo(answer);
    }
  }

  /**
   * The converter writes more about the model's origin, and gives characters that nothing is merged
   * to other scores; all else that both write is the same.
   */
  @ParameterizedTest
  @CsvSource({
    "qwen3, decoders/qwen3",
    "qwen2_yarn, decoders/qwen25_yarn",
    "llama2, decoders/llama2",
    "llama31, decoders/llama31"
  })
  void theFileSaysWhatThatOfLlamaCppSays(String name, String source) throws Exception {
    Path resources = GgufTextTest.resources();
    Path target = folder.resolve("model.gguf");
    try (GgufExport export = GgufExport.open(resources.resolve(source))) {
      export.write(target, GgufExport.Encoding.AS_STORED, told -> {});
    }
    try (GgufFile ours = GgufFile.open(target);
        GgufFile theirs = GgufFile.open(resources.resolve("gguf/" + name + ".gguf"))) {
      assertSame(ours, theirs, Set.of("tokenizer.ggml.scores"));
      assertThat(ours.metadata().keys())
          .contains("tokenizer.ggml.tokens", "tokenizer.ggml.token_type");
    }
  }

  static void assertSame(GgufFile ours, GgufFile theirs, Set<String> otherKeys) {
    assertThat(ours.names()).containsExactlyInAnyOrderElementsOf(theirs.names());
    for (String tensor : theirs.names()) {
      assertThat(ours.shape(tensor)).as(tensor).isEqualTo(theirs.shape(tensor));
      assertThat(ours.tensor(tensor).toFloats())
          .as(tensor)
          .containsExactly(theirs.tensor(tensor).toFloats(), offset(1e-6f));
    }
    for (String key : theirs.metadata().keys()) {
      boolean origin = key.startsWith("general.") && !key.equals("general.architecture");
      boolean optional = key.startsWith("tokenizer.") && !ours.metadata().has(key);
      if (!origin && !optional && !otherKeys.contains(key)) {
        assertThat(value(ours, key))
            .as(key)
            .usingRecursiveComparison()
            .isEqualTo(value(theirs, key));
      }
    }
  }

  /** The line end behind a chat template is none of it. */
  private static @Nullable GgufValue value(GgufFile file, String key) {
    GgufValue value = file.metadata().values().get(key);
    return key.equals("tokenizer.chat_template")
            && value instanceof GgufValue.Text(String template)
            && template.endsWith("\n")
        ? new GgufValue.Text(template.substring(0, template.length() - 1))
        : value;
  }

  @Test
  void modelsThatLlamaCppDoesNotKnowAreRefused() throws Exception {
    Path resources = GgufTextTest.resources();
    assertRefused(resources.resolve("decoders/qwen2_window"), "with sliding windows cannot be");
    assertRefused(resources.resolve("decoders/qwen3_moe"), "model_type must be llama, mistral");
    assertRefused(resources.resolve("decoders/llama_yarn"), "truncate must be true or absent");
    assertRefused(resources.resolve("decoders/llama_biases"), "with another MLP cannot be written");
  }

  private void assertRefused(Path source, String message) {
    assertThatThrownBy(
            () -> {
              try (GgufExport export = GgufExport.open(source)) {
                export.write(folder.resolve("m.gguf"), GgufExport.Encoding.AS_STORED, told -> {});
              }
            })
        .isInstanceOf(VlmException.class)
        .hasMessageContaining(message);
  }
}
