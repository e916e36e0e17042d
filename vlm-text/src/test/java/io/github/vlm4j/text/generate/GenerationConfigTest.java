package io.github.vlm4j.text.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.checkpoint.ConfigNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GenerationConfigTest {

  private static final ConfigNode FALLBACK =
      ConfigNode.parse("config.json", "{\"eos_token_id\": 9}");

  @TempDir Path folder;

  private GenerationConfig read(String json) throws IOException {
    Files.writeString(folder.resolve(GenerationConfig.FILE), json);
    return GenerationConfig.read(folder, FALLBACK);
  }

  @Test
  void samplingIsWhatTheFileSays() throws IOException {
    GenerationConfig config =
        read(
            """
            {"do_sample": true, "temperature": 0.7, "top_k": 20, "top_p": 0.8,
             "repetition_penalty": 1.1, "eos_token_id": [5, 6]}
            """);
    assertThat(config.sampling()).isEqualTo(new SamplingOptions(0.7, 20, 0.8, 0, 1.1, 0, 0));
    assertThat(config.eosTokenIds()).containsExactlyInAnyOrder(5, 6);
  }

  @Test
  void whatIsMissingHasTheReferencesDefaults() throws IOException {
    assertThat(read("{\"do_sample\": true}").sampling())
        .isEqualTo(new SamplingOptions(1, 50, 1, 0, 1, 0, 0));
  }

  @Test
  void withoutSamplingAnswersAreGreedyWhateverTheTemperature() throws IOException {
    GenerationConfig config = read("{\"temperature\": 0.7, \"repetition_penalty\": 1.2}");
    assertThat(config.sampling()).isEqualTo(SamplingOptions.GREEDY.withRepetitionPenalty(1.2));
  }

  @Test
  void endTokensComeFromConfigIfTheFileHasNone() throws IOException {
    assertThat(read("{}").eosTokenIds()).containsExactly(9);
    assertThat(read("{\"eos_token_id\": 5}").eosTokenIds()).containsExactly(5);
  }

  @Test
  void withoutAFileAnswersAreGreedy() {
    GenerationConfig config = GenerationConfig.read(folder, FALLBACK);
    assertThat(config.sampling()).isEqualTo(SamplingOptions.GREEDY);
    assertThat(config.eosTokenIds()).containsExactly(9);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"do_sample\": true, \"top_p\": 7}",
        "{\"do_sample\": true, \"temperature\": -1}",
        "{\"do_sample\": true, \"top_k\": \"many\"}",
        "{\"eos_token_id\": \"</s>\"}",
        "{\"do_sample\": 3}",
        "[]"
      })
  void unusableValuesAreRefusedWithTheFilesName(String json) {
    assertThatThrownBy(() -> read(json))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining(GenerationConfig.FILE);
  }
}
