package io.github.vlm4j.models.minimindv;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.InputException;
import io.github.vlm4j.core.ModelException;
import io.github.vlm4j.core.VlmException;
import io.github.vlm4j.core.checkpoint.SafetensorsWriter;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.models.LoadOptions;
import io.github.vlm4j.models.ModelLayout;
import io.github.vlm4j.models.VisionLanguageModel;
import io.github.vlm4j.models.family.ModelParts;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Files that are missing or do not fit each other. */
class MiniMindVBadInputTest {

  private static final Path RESOURCES = MiniMindCase.resources();
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir Path folder;

  private static ModelParts parts(String name) {
    try (MiniMindCase reference = MiniMindCase.open(name)) {
      return reference.parts();
    }
  }

  private static void load(ModelParts parts) {
    VisionLanguageModel.load(parts, LoadOptions.DEFAULT).close();
  }

  private static ModelParts without(ModelParts parts, boolean vision, boolean tokenizer) {
    ModelParts bare = ModelParts.of(parts.model());
    if (!vision) {
      bare = bare.withVisionModel(parts.vision().orElseThrow());
    }
    return tokenizer ? bare : bare.withTokenizer(parts.tokenizerPath());
  }

  @Test
  void withoutAVisionModelTextIsAnsweredAndPicturesAreRefused() {
    try (MiniMindCase reference = MiniMindCase.open("e_moe");
        MiniMindCase text = MiniMindCase.open("e_text");
        VisionLanguageModel model =
            VisionLanguageModel.load(
                without(reference.parts(), true, false), LoadOptions.DEFAULT)) {
      assertThat(model.prompt(text.messages()).visuals()).isEmpty();
      assertThatThrownBy(() -> model.prompt(reference.messages()))
          .isInstanceOf(InputException.class)
          .hasMessageContaining("sft_vlm_32_moe.pth")
          .hasMessageContaining("--vision-model");
    }
  }

  @Test
  void withoutATokenizerItIsSaidHowToGiveOne() {
    assertThatThrownBy(() -> load(without(parts("a_dense"), false, true)))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("tokenizer.json")
        .hasMessageContaining("sft_vlm_32.pth")
        .hasMessageContaining("--tokenizer");
  }

  @ParameterizedTest
  @CsvSource({"e_dense, cut-a, id 12", "a_dense, cut-e, ids up to 351"})
  void theTokenizerOfAnotherLayoutIsRefused(String name, String tokenizer, String said) {
    assertThatThrownBy(() -> load(parts(name).withTokenizer(RESOURCES.resolve(tokenizer))))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining(tokenizer)
        .hasMessageContaining(said);
  }

  @ParameterizedTest
  @CsvSource({
    "a_dense, vision-siglip, CLIP",
    "c_dense, vision-siglip, SigLIP 2 for pictures of any size (NaFlex)",
    "d_dense, vision-naflex, SigLIP for pictures of one size",
    "e_dense, vision-clip, SigLIP for pictures of one size"
  })
  void anotherKindOfVisionModelIsRefused(String name, String vision, String wanted) {
    assertThatThrownBy(() -> load(parts(name).withVisionModel(RESOURCES.resolve(vision))))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("reads the patches of a " + wanted)
        .hasMessageContaining(vision);
  }

  @ParameterizedTest
  @CsvSource({
    "b_dense, vision_proj.vision_proj.0.weight",
    "c_dense, vision_proj.mlp.0.weight",
    "d_dense, vision_proj.mlp.0.weight",
    "e_dense, vision_proj.mlp.0.weight"
  })
  void aVisionModelOfAnotherWidthIsRefused(String name, String tensor) throws IOException {
    ModelParts parts = parts(name);
    copy(parts.vision().orElseThrow());
    ObjectNode config = (ObjectNode) JSON.readTree(folder.resolve("config.json").toFile());
    ObjectNode vision = config.has("vision_config") ? config.withObject("vision_config") : config;
    vision.put("hidden_size", 24);
    Files.writeString(folder.resolve("config.json"), config.toString());
    assertThatThrownBy(() -> load(parts.withVisionModel(folder)))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining(tensor)
        .hasMessageContaining("patches of length 24")
        .hasMessageContaining(folder.toString());
  }

  @ParameterizedTest
  @CsvSource({
    "b_folder, n_routed_experts, 5, the number of rows of the checkpoint's model.layers.0.mlp.gate",
    "b_folder, n_shared_experts, 2, as many as the checkpoint has under",
    "b_folder, use_moe, false, as the checkpoint has the tensor model.layers.0.mlp.gate.weight",
    "b_folder, num_experts_per_tok, 5, an integer from 1 to 4",
    "b_folder, scoring_func, '\"sigmoid\"', softmax",
    "e_folder, num_experts, 3, the number of rows of the checkpoint's model.layers.0.mlp.gate",
    "e_folder, num_experts_per_tok, 0, an integer from 1 to 4",
    "a_folder, use_moe, true, as the checkpoint has no tensor layers.0.feed_forward.gate.weight",
    "a_folder, n_heads, 5, a divisor",
    "a_folder, n_kv_heads, 3, a divisor",
    "e_folder, head_dim, 7, even",
    "e_folder, hidden_act, '\"step\"', step",
    "b_folder, image_ids, '[34, 34, 34]', 'must be a list of 16 ids, as many as a picture has"
        + " embeddings'",
    "e_folder, image_token_len, 64, 'must be 16, as many as a picture has embeddings'",
    "b_folder, image_ids, '[34, 34, 34, 34, 34, 34, 34, 34, 34, 34, 34, 34, 34, 34, 34, 35]', one"
        + " id"
  })
  void aConfigurationThatContradictsTheCheckpointIsRefused(
      String name, String field, String value, String said) throws IOException {
    copy(RESOURCES.resolve(name));
    ObjectNode config = (ObjectNode) JSON.readTree(folder.resolve("config.json").toFile());
    config.set(field, JSON.readTree(value));
    Files.writeString(folder.resolve("config.json"), config.toString());
    ModelParts parts = parts(name);
    assertThatThrownBy(
            () -> load(ModelParts.of(folder).withVisionModel(parts.vision().orElseThrow())))
        .isInstanceOf(VlmException.class)
        .hasMessageContaining("config.json")
        .hasMessageContaining(field)
        .hasMessageContaining(said);
  }

  @Test
  void aDecoderAloneRefusesPictures() {
    try (MiniMindCase text = MiniMindCase.open("e_text");
        MiniMindCase reference = MiniMindCase.open("e_dense");
        VisionLanguageModel model = VisionLanguageModel.load(text.parts(), LoadOptions.DEFAULT)) {
      assertThatThrownBy(() -> model.prompt(reference.messages()))
          .isInstanceOf(InputException.class)
          .hasMessageContaining("reads no pictures");
    }
  }

  @Test
  void anotherDecoderWithTheSameNamesIsNotTakenForMiniMind() {
    SafetensorsWriter.write(
        folder.resolve("llama.safetensors"),
        Map.of("model.embed_tokens.weight", Tensor.ofFloats(new float[32_000], 32_000, 1)));
    assertThatThrownBy(() -> ModelLayout.read(folder.resolve("llama.safetensors")))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("--model-config");
  }

  private void copy(Path from) {
    try (Stream<Path> files = Files.list(from)) {
      files.forEach(file -> {
        try {
          Files.copy(file, folder.resolve(file.getFileName()));
        } catch (IOException e) {
          throw new UncheckedIOException(e);
        }
      });
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
