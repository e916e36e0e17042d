package io.github.vlm4j.models.minimindv;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.vlm4j.models.ModelLayout;
import io.github.vlm4j.models.family.ModelParts;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is told from the names of tensors, and what it is said to be. */
class MiniMindLayoutTest {

  @ParameterizedTest
  @CsvSource({
    "a_dense, 2025-02, attention.wq, vision_proj.vision_proj, without",
    "a_moe, 2025-02, attention.wq, vision_proj.vision_proj, with",
    "b_dense, 2025-04, without q_norm, vision_proj.vision_proj, without",
    "b_moe, 2025-04, without q_norm, vision_proj.vision_proj, with",
    "c_dense, 2026-03, q_norm, a matrix of rows of 128, without",
    "d_dense, 2026-03, q_norm, a norm of rows of 128, without",
    "e_dense, 2026-03, q_norm, a norm of rows of 32, without",
    "e_moe, 2026-03, q_norm, a norm of rows of 32, with",
    "a_text, 2025-02, attention.wq, no connector, without"
  })
  void aFileOfWeightsIsToldByItsTensors(
      String name, String since, String decoder, String connector, String experts) {
    try (MiniMindCase reference = MiniMindCase.open(name)) {
      ModelLayout layout = ModelLayout.read(reference.parts());
      assertThat(layout.reason())
          .contains("tensors")
          .contains("since " + since)
          .contains(decoder)
          .contains(connector)
          .contains(experts + " experts");
      assertThat(layout.decoder().orElseThrow().layers()).isEqualTo(2);
    }
  }

  @Test
  void aFolderIsToldByItsConfigurationAndItsTensors() {
    try (MiniMindCase reference = MiniMindCase.open("e_folder")) {
      ModelLayout layout = ModelLayout.read(reference.parts());
      assertThat(layout.modelType()).isEqualTo("minimind-v");
      assertThat(layout.reason()).contains("model_type \"minimind-v\"").contains("q_norm");
      assertThat(layout.decoder().orElseThrow().headDim()).isEqualTo(6);
    }
  }

  @Test
  void sizesThatNoTensorTellsComeFromTheConfigurationBeside() {
    try (MiniMindCase reference = MiniMindCase.open("b_moe")) {
      ModelParts parts = reference.parts();
      ModelParts bare = ModelParts.of(parts.model()).withVisionModel(parts.vision().orElseThrow());
      assertThat(ModelLayout.read(parts).decoder().orElseThrow().headDim()).isEqualTo(8);
      assertThat(ModelLayout.read(bare).decoder().orElseThrow().headDim()).isEqualTo(4);
    }
  }

  /** The connector has the sizes of the real encoder, as none is given. */
  @ParameterizedTest
  @CsvSource({
    "a_folder, 4, tok_embeddings.weight",
    "b_folder, 2, model.layers.1.mlp.shared_experts.0.gate_proj.weight",
    "e_folder, 4, model.layers.1.mlp.experts.3.down_proj.weight",
    "e_text, 4, model.layers.1.mlp.down_proj.weight"
  })
  void aConfigurationAloneIsEnoughForTheListOfParameters(
      String name, int keyValueHeads, String tensor, @TempDir Path folder) throws IOException {
    Files.copy(
        MiniMindCase.resources().resolve(name).resolve("config.json"),
        folder.resolve("config.json"));
    ModelLayout layout = ModelLayout.read(folder);
    assertThat(layout.fromCheckpoint()).isFalse();
    assertThat(layout.decoder().orElseThrow().keyValueHeads()).isEqualTo(keyValueHeads);
    assertThat(layout.modules().weights()).containsKey(tensor);
  }
}
