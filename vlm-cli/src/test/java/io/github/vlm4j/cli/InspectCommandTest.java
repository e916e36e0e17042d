package io.github.vlm4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class InspectCommandTest {

  @TempDir Path folder;

  @Test
  void printsTheTreeWithShapesTypesAndCounts() {
    String out =
        CommandRun.of("inspect", "--model", Fixtures.model("tied_one_image")).succeeded().out();
    assertThat(out)
        .startsWith("qwen3_vl")
        .containsPattern("\\n {4}visual +28,976\\n")
        .containsPattern("\\n +\\(0-3\\): 4 × +1,960 each\\n")
        .containsPattern(
            "qkv: Linear\\(16 → 48, bias\\) +weight F32\\[48, 16], bias F32\\[48] +816\\n")
        .containsPattern("Recognised +qwen3_vl: its configuration has the model_type \"qwen3_vl\"")
        .containsPattern("Parameters +67,392\\n")
        .containsPattern("Context +1,024 tokens\\n")
        .containsPattern("Weights +263.25 KiB\\n")
        .containsPattern("Memory, 1,024 tokens +647.25 KiB");
  }

  @Test
  void configAloneIsEnoughAndGivesTheSameTree() throws IOException {
    Path model = Fixtures.model("tied_one_image");
    Files.copy(model.resolve("config.json"), folder.resolve("config.json"));
    String full = CommandRun.of("inspect", "--model", model).succeeded().out();
    String alone = CommandRun.of("inspect", "--model", folder).succeeded().out();
    assertThat(alone).contains("there are no tensor files");
    assertThat(alone.substring(0, alone.indexOf("Weights")))
        .isEqualTo(full.substring(0, full.indexOf("Weights")));
  }

  @Test
  void fullSizesAreLaidOutWithoutWeights() {
    Fixtures.copyWith(
        "tied_one_image",
        folder,
        "config.json",
        config -> {
          config
              .withObject("text_config")
              .put("vocab_size", 151_936)
              .put("hidden_size", 5120)
              .put("intermediate_size", 25_600)
              .put("num_hidden_layers", 64)
              .put("num_attention_heads", 64)
              .put("num_key_value_heads", 8)
              .put("head_dim", 128)
              .put("max_position_embeddings", 262_144);
          config.withObject("vision_config").put("out_hidden_size", 5120);
          config.put("tie_word_embeddings", false).put("dtype", "bfloat16");
        });
    Fixtures.delete(folder.resolve("model.safetensors"));
    Fixtures.delete(folder.resolve("expected.safetensors"));
    String out = CommandRun.of("inspect", "--model", folder).succeeded().out();
    assertThat(out)
        .containsPattern("\\(0-63\\): 64 ×")
        .containsPattern("BF16\\[151936, 5120]")
        .containsPattern("Weights +61\\.\\d\\d GiB")
        .containsPattern("Memory, 32,768 tokens");
  }

  @Test
  void shardsAreReadThroughTheirIndex() {
    assertThat(
            CommandRun.of("inspect", "--model", Fixtures.model("sharded_bf16")).succeeded().out())
        .contains("BF16[")
        .doesNotContain("no tensor files");
  }
}
