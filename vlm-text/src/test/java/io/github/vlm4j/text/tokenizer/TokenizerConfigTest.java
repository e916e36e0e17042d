package io.github.vlm4j.text.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.text.template.RenderedPrompt;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TokenizerConfigTest {

  @TempDir Path folder = Path.of("");

  private void write(String file, String text) throws IOException {
    Files.writeString(folder.resolve(file), text);
  }

  private String rendered() {
    return TokenizerConfig.load(folder).chatTemplate().orElseThrow().render(Map.of()).text();
  }

  @Test
  void readsTokensAndTemplateOfTheTinyTokenizer() {
    TokenizerConfig config = TokenizerConfig.load(Path.of("src/test/resources/tokenizer/tiny"));
    assertThat(config.specialTokens())
        .containsOnly(
            Map.entry("eos_token", "<|im_end|>"), Map.entry("pad_token", "<|endoftext|>"));
    RenderedPrompt prompt =
        config
            .chatTemplate()
            .orElseThrow()
            .render(Map.of("messages", List.of(Map.of("role", "user", "content", "Hi"))));
    assertThat(prompt.text()).isEqualTo("<|im_start|>user\nHi<|im_end|>\n");
    assertThat(prompt.spans())
        .extracting(RenderedPrompt.Span::trusted)
        .containsExactly(true, false, true);
  }

  @Test
  void theJinjaFileComesFirstThenTheJsonFileThenTheConfiguration() throws IOException {
    assertThat(TokenizerConfig.load(folder).chatTemplate()).isEmpty();
    write("tokenizer_config.json", "{\"chat_template\": \"config\"}");
    assertThat(rendered()).isEqualTo("config");
    write("chat_template.json", "{\"chat_template\": \"json\"}");
    assertThat(rendered()).isEqualTo("json");
    write("chat_template.jinja", "jinja\n");
    assertThat(rendered()).isEqualTo("jinja");
  }

  @Test
  void ofNamedTemplatesTheDefaultIsTaken() throws IOException {
    write(
        "tokenizer_config.json",
        "{\"chat_template\": [{\"name\": \"tool_use\", \"template\": \"t\"}, {\"name\":"
            + " \"default\", \"template\": \"d\"}]}");
    assertThat(rendered()).isEqualTo("d");
  }

  @Test
  void malformedFilesAreNamed() throws IOException {
    write("tokenizer_config.json", "{\"chat_template\": ");
    assertThatThrownBy(() -> TokenizerConfig.load(folder))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("tokenizer_config.json");
    write("tokenizer_config.json", "{\"chat_template\": 5}");
    assertThatThrownBy(() -> TokenizerConfig.load(folder))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("tokenizer_config.json");
    write("tokenizer_config.json", "{}");
    write("chat_template.jinja", "{% if %}");
    assertThatThrownBy(() -> TokenizerConfig.load(folder))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("chat_template.jinja, line 1, column 7");
    Files.write(folder.resolve("chat_template.jinja"), new byte[] {(byte) 0xff, 'a'});
    assertThatThrownBy(() -> TokenizerConfig.load(folder)).isInstanceOf(CheckpointException.class);
  }
}
