package io.github.vlm4j.models.minimindv;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.vlm4j.text.template.RenderedPrompt;
import io.github.vlm4j.text.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** MiniMind's own tokenizers, whole. */
class MiniMindTokenizerTest {

  @ParameterizedTest
  @ValueSource(strings = {"whole-a", "whole-e"})
  void textsBecomeTheReferencesIdsAndBack(String name) throws IOException {
    Path folder = MiniMindCase.resources().resolve(name);
    Tokenizer tokenizer = Tokenizer.load(folder);
    assertThat(tokenizer.vocabularySize()).isEqualTo(6400);
    JsonNode cases = new ObjectMapper().readTree(folder.resolve("cases.json").toFile());
    assertThat(cases).hasSize(10);
    for (JsonNode row : cases) {
      int[] ids = tokenizer.encode(RenderedPrompt.trusted(row.get("text").textValue()));
      assertThat(ids).as(row.get("text").textValue()).isEqualTo(MiniMindCase.ints(row.get("ids")));
      assertThat(tokenizer.decode(ids, false)).isEqualTo(row.get("decoded").textValue());
    }
  }
}
