package io.github.vlm4j.models.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.vlm4j.core.VlmException;
import io.github.vlm4j.core.weights.ModuleTree;
import io.github.vlm4j.core.weights.Weight;
import io.github.vlm4j.models.ModelLayout;
import io.github.vlm4j.models.VisionLanguageModel;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Configurations of text models that cannot be, or are not those of the tensors beside them. */
class HostileTextConfigTest {

  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir Path folder;

  private void copy(String name, String change) throws IOException {
    try (DirectoryStream<Path> files = Files.newDirectoryStream(TextCase.folder(name))) {
      for (Path file : files) {
        if (!file.getFileName().toString().startsWith("expected")) {
          Files.copy(file, folder.resolve(file.getFileName()));
        }
      }
    }
    Path file = folder.resolve("config.json");
    ObjectNode config = (ObjectNode) JSON.readTree(file.toFile());
    JsonNode fields = JSON.readTree(change.replace('\'', '"'));
    fields.properties().forEach(field -> config.set(field.getKey(), field.getValue()));
    Files.writeString(file, config.toString());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '~',
      value = {
        "llama2 ~ {'rope_scaling': {'type': 'dynamic', 'factor': 2.0}}"
            + " ~ config.json: rope_scaling.type must be \"default\", \"linear\"",
        "llama2 ~ {'hidden_act': 'relu6'} ~ config.json.hidden_act: the activation \"relu6\"",
        "llama2 ~ {'hidden_size': 23, 'head_dim': null} ~ config.json: num_attention_heads must be"
            + " such that",
        "llama2 ~ {'num_key_value_heads': 3} ~ config.json: num_key_value_heads must be a divisor",
        "llama_biases ~ {'head_dim': 9} ~ config.json: head_dim must be an even number",
        "llama_biases ~ {'attention_bias': false} ~ self_attn.",
        "llama_biases ~ {'mlp_bias': false} ~ mlp.",
        "llama2 ~ {'attention_bias': true} ~ self_attn.q_proj.bias",
        "llama2 ~ {'num_hidden_layers': 3} ~ layers.2",
        "llama2 ~ {'num_hidden_layers': 1} ~ layers.1",
        "llama2 ~ {'vocab_size': 300} ~ embed_tokens.weight",
        "mistral_window_base ~ {'sliding_window': 0} ~ config.json: sliding_window must be a"
            + " positive",
        "mistral_window_base ~ {'sliding_window': 'all'} ~ sliding_window must be a positive"
            + " integer",
        "qwen2_window ~ {'max_window_layers': -1} ~ config.json: max_window_layers must be",
        "qwen2_window ~ {'use_sliding_window': 1} ~ config.json: use_sliding_window must be true",
        "qwen3_window_bias ~ {'layer_types': ['full_attention']} ~ config.json: layer_types must"
            + " be",
        "qwen3_window_bias ~ {'layer_types': ['full_attention', 'full_attention', 'chunked']}"
            + " ~ for each of the 3 layers",
        "qwen3_moe ~ {'num_experts_per_tok': 7}"
            + " ~ config.json: num_experts_per_tok must be at most num_experts, 6",
        "qwen3_moe ~ {'num_experts': 7} ~ mlp.gate.weight",
        "qwen3_moe ~ {'num_experts': 5} ~ mlp.gate.weight",
        "qwen3_moe ~ {'num_experts': 4000000} ~ config.json: num_experts must be an integer from 1",
        "qwen3_moe ~ {'moe_intermediate_size': 17} ~ mlp.experts.0.gate_proj.weight",
        "qwen3_moe ~ {'decoder_sparse_step': 0} ~ config.json: decoder_sparse_step must be",
        "qwen3_moe ~ {'mlp_only_layers': [1]} ~ layers.1.mlp.gate_proj.weight",
        "qwen3_moe ~ {'mlp_only_layers': 'none'} ~ config.json: mlp_only_layers must be a list",
        "qwen3_moe ~ {'model_type': 'qwen3'} ~ layers.0.mlp.gate_proj.weight",
        "qwen2_moe ~ {'shared_expert_intermediate_size': 24} ~ shared_expert.gate_proj.weight",
        "qwen3 ~ {'model_type': 'qwen4'} ~ the model_type \"qwen4\" is not supported",
      })
  void whatDoesNotFitIsNamed(String name, String change, String problem) throws IOException {
    copy(name, change);
    assertThatThrownBy(() -> VisionLanguageModel.load(folder).close())
        .isInstanceOf(VlmException.class)
        .hasMessageContaining(problem);
  }

  @Test
  void aTokenizerOfAnotherModelIsRefused() throws IOException {
    copy("qwen3", "{}");
    Files.copy(
        TextCase.folder("llama2").resolve("tokenizer.json"),
        folder.resolve("tokenizer.json"),
        StandardCopyOption.REPLACE_EXISTING);
    assertThatThrownBy(() -> VisionLanguageModel.load(folder).close())
        .isInstanceOf(VlmException.class)
        .hasMessageContaining("belong to different models");
  }

  @ParameterizedTest
  @MethodSource("io.github.vlm4j.models.text.TextCase#names")
  void theConfigurationAloneLaysOutTheSameModel(String name) throws IOException {
    Files.copy(TextCase.folder(name).resolve("config.json"), folder.resolve("config.json"));
    ModelLayout declared = ModelLayout.read(folder);
    ModelLayout stored = ModelLayout.read(TextCase.folder(name));
    assertThat(declared.reason()).contains("model_type").isEqualTo(stored.reason());
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

  @Test
  void stretchedModelsReadAsFarAsTheyAreStretched() {
    assertThat(ModelLayout.read(TextCase.folder("llama_linear")).decoder().orElseThrow())
        .hasFieldOrPropertyWithValue("contextLength", 80);
    assertThat(ModelLayout.read(TextCase.folder("qwen25_yarn")).decoder().orElseThrow())
        .hasFieldOrPropertyWithValue("contextLength", 64);
  }
}
