package io.github.vlm4j.models.qwenvl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.vlm4j.core.InputException;
import io.github.vlm4j.core.VlmException;
import io.github.vlm4j.core.weights.ModuleTree;
import io.github.vlm4j.core.weights.Weight;
import io.github.vlm4j.models.ModelLayout;
import io.github.vlm4j.models.VisionLanguageModel;
import io.github.vlm4j.models.chat.Message;
import io.github.vlm4j.models.chat.Part;
import io.github.vlm4j.models.chat.Role;
import io.github.vlm4j.vision.image.Image;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Configurations that cannot be, or are not those of the tensors beside them. */
class HostileQwenVlTest {

  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir Path folder;

  private void copy(String name, String at, String change) throws IOException {
    try (DirectoryStream<Path> files =
        Files.newDirectoryStream(ReferenceCase.folder("qwenvl/" + name))) {
      for (Path file : files) {
        if (!file.getFileName().toString().startsWith("expected")) {
          Files.copy(file, folder.resolve(file.getFileName()));
        }
      }
    }
    Path file = folder.resolve("config.json");
    ObjectNode config = (ObjectNode) JSON.readTree(file.toFile());
    ObjectNode place = at.equals(".") ? config : (ObjectNode) config.get(at);
    JsonNode fields = JSON.readTree(change.replace('\'', '"'));
    fields.properties().forEach(field -> place.set(field.getKey(), field.getValue()));
    Files.writeString(file, config.toString());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '~',
      value = {
        "qwen2_5_one_image ~ vision_config ~ {'window_size': 7}"
            + " ~ config.json: vision_config.window_size must be at least",
        "qwen2_5_one_image ~ vision_config ~ {'fullatt_block_indexes': [3]} ~ config.json:"
            + " vision_config.fullatt_block_indexes must be block numbers from 0 to 2",
        "qwen2_5_one_image ~ vision_config ~ {'out_hidden_size': 32}"
            + " ~ config.json: vision_config.out_hidden_size must be the decoder's hidden_size, 24",
        "qwen2_5_one_image ~ vision_config ~ {'tokens_per_second': 0}"
            + " ~ config.json: vision_config.tokens_per_second must be a positive integer",
        "qwen2_5_one_image ~ vision_config ~ {'intermediate_size': 29}"
            + " ~ visual.blocks.0.mlp.gate_proj.weight",
        "qwen2_5_one_image ~ vision_config ~ {'patch_size': 8} ~ visual.patch_embed.proj.weight",
        "qwen2_5_one_image ~ vision_config ~ {'depth': 2} ~ visual.blocks.2",
        "qwen2_5_one_image ~ . ~ {'vision_config': null} ~ config.json: vision_config",
        "qwen2_5_one_image ~ . ~ {'rope_scaling': {'type': 'mrope', 'mrope_section': [2, 1, 2]}}"
            + " ~ config.json: rope_scaling.mrope_section must be three numbers",
        "qwen2_5_one_image ~ . ~ {'rope_scaling': {'type': 'mrope', 'mrope_section': [4]}}"
            + " ~ config.json: rope_scaling.mrope_section must be three numbers",
        "qwen2_5_one_image ~ . ~ {'rope_scaling': {'type': 'mrope', 'mrope_section': [5, -2, 1]}}"
            + " ~ config.json: rope_scaling.mrope_section must be three numbers",
        "qwen2_5_one_image ~ . ~ {'rope_scaling': {'type': 'mrope'}}"
            + " ~ config.json: rope_scaling.mrope_section is missing; it must be three numbers",
        "qwen2_5_one_image ~ . ~ {'rope_scaling': {'type': 'warp', 'mrope_section': [2, 1, 1]}}"
            + " ~ config.json: rope_scaling.type must be",
        "qwen2_5_one_image ~ . ~ {'hidden_act': 'relu7'} ~ config.json.hidden_act",
        "qwen2_5_one_image ~ . ~ {'image_token_id': 396} ~ config.json: image_token_id must be",
        "qwen2_5_one_image ~ . ~ {'model_type': 'qwen2_vl'}"
            + " ~ config.json: vision_config.hidden_size must be the decoder's",
        "qwen2_5_sliding_window ~ text_config ~ {'layer_types': ['full_attention']}"
            + " ~ text_config.layer_types must be",
        "qwen2_one_image ~ vision_config ~ {'hidden_size': 16}"
            + " ~ config.json: vision_config.hidden_size must be the decoder's hidden_size, 24",
        "qwen2_one_image ~ vision_config ~ {'mlp_ratio': 3} ~ visual.blocks.0.mlp.fc1.weight",
        "qwen2_one_image ~ . ~ {'model_type': 'qwen2_5_vl'} ~ vision_config",
        "qwen3_moe_one_image ~ text_config ~ {'num_experts': 5}"
            + " ~ config.json says num_experts 5 but the tensor"
            + " model.language_model.layers.0.mlp.gate.weight has the shape [4, 24]",
        "qwen3_moe_one_image ~ text_config ~ {'moe_intermediate_size': 11}"
            + " ~ config.json says moe_intermediate_size 11 but the tensor"
            + " model.language_model.layers.0.mlp.experts.down_proj has the shape [4, 10, 24]",
        "qwen3_moe_one_image ~ text_config ~ {'num_experts_per_tok': 5}"
            + " ~ text_config.num_experts_per_tok must be at most num_experts, 4",
        "qwen3_moe_one_image ~ text_config ~ {'mlp_only_layers': [1]}"
            + " ~ model.language_model.layers.1.mlp.gate.weight and none"
            + " model.language_model.layers.1.mlp.gate_proj.weight where mlp_only_layers",
        "qwen3_moe_one_image ~ text_config ~ {'decoder_sparse_step': 2}"
            + " ~ decoder_sparse_step and model_type of config.json call for an MLP",
        "qwen3_moe_one_image ~ text_config ~ {'model_type': 'qwen3_vl_text'}"
            + " ~ config.json: text_config.model_type must be \"qwen3_vl_moe_text\"",
        "qwen3_moe_dense_between ~ text_config ~ {'mlp_only_layers': []}"
            + " ~ model.language_model.layers.3.mlp.gate_proj.weight and none",
        "qwen3_moe_dense_between ~ text_config ~ {'num_local_experts': 7}"
            + " ~ config.json says num_experts 7",
        "qwen3_moe_dense_between ~ text_config ~ {'moe_intermediate_size': 20}"
            + " ~ config.json says moe_intermediate_size 20"
      })
  void whatDoesNotFitIsNamed(String name, String at, String change, String problem)
      throws IOException {
    copy(name, at, change);
    assertThatThrownBy(() -> VisionLanguageModel.load(folder).close())
        .isInstanceOf(VlmException.class)
        .hasMessageContaining(problem);
  }

  @Test
  void aPreprocessorOfOtherPatchesIsRefused() throws IOException {
    copy("qwen2_5_one_image", ".", "{}");
    Path file = folder.resolve("preprocessor_config.json");
    Files.writeString(
        file, Files.readString(file).replace("\"patch_size\": 4", "\"patch_size\": 8"));
    assertThatThrownBy(() -> VisionLanguageModel.load(folder).close())
        .isInstanceOf(VlmException.class)
        .hasMessageContaining("belong to different models");
  }

  @Test
  void aVideoThatIsFarTooSlowIsRefused() {
    Path model = ReferenceCase.folder("qwenvl/qwen2_5_video");
    Image frame = Image.of(model.resolve("frame_0.png"));
    Message message =
        new Message(Role.USER, List.of(new Part.Video(List.of(frame, frame, frame, frame), 1e-9)));
    try (VisionLanguageModel opened = VisionLanguageModel.load(model)) {
      assertThatThrownBy(() -> opened.prompt(List.of(message)))
          .isInstanceOf(InputException.class)
          .hasMessageContaining("more frames per second");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "qwenvl/qwen2_one_image",
        "qwenvl/qwen2_text_only",
        "qwenvl/qwen2_5_one_image",
        "qwenvl/qwen2_5_sliding_window",
        "qwenvl/qwen3_moe_one_image",
        "qwen3vl/tied_one_image"
      })
  void theConfigurationAloneLaysOutThePublishedModel(String name) throws IOException {
    Path model = ReferenceCase.folder(name);
    Files.copy(model.resolve("config.json"), folder.resolve("config.json"));
    ModelLayout declared = ModelLayout.read(folder);
    ModelLayout stored = ModelLayout.read(model);
    assertThat(shapes(declared.modules())).isEqualTo(shapes(stored.modules()));
    assertThat(declared.decoder()).isEqualTo(stored.decoder());
  }

  private static Map<String, String> shapes(ModuleTree modules) {
    Map<String, String> shapes = new TreeMap<>();
    for (Weight weight : modules.weights().values()) {
      shapes.put(weight.name(), weight.shape().toString());
    }
    return shapes;
  }
}
