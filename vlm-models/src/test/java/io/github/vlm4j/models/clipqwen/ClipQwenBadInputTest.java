package io.github.vlm4j.models.clipqwen;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.InputException;
import io.github.vlm4j.core.ModelException;
import io.github.vlm4j.core.checkpoint.ConfigNode;
import io.github.vlm4j.core.checkpoint.SafetensorsWriter;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.models.LoadOptions;
import io.github.vlm4j.models.VisionLanguageModel;
import io.github.vlm4j.models.chat.Message;
import io.github.vlm4j.models.chat.Role;
import io.github.vlm4j.models.family.ModelParts;
import io.github.vlm4j.vision.image.Image;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Files that do not fit each other, and configurations that are not of this family. */
class ClipQwenBadInputTest {

  private static final Path RESOURCES = ClipQwenCase.resources();
  private static final ModelParts QWEN = ModelParts.of(RESOURCES.resolve("qwen"));
  private static final Path CONNECTOR = RESOURCES.resolve("adapter").resolve("other_params.bin");

  @TempDir Path folder;

  @Test
  void anAdapterOfAMapThatTheModelDoesNotHaveIsRefused() throws IOException {
    writeAdapter("transformer.h.7.attn.c_attn", 32, 96);
    assertThatThrownBy(() -> load(QWEN.withAdapter(folder)))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("adapter_model.safetensors")
        .hasMessageContaining("transformer.h.7.attn.c_attn");
  }

  @Test
  void anAdapterOfAnotherWidthIsRefused() throws IOException {
    writeAdapter("transformer.h.1.mlp.w1", 32, 45);
    assertThatThrownBy(() -> load(QWEN.withAdapter(folder)))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("adapter_model.safetensors")
        .hasMessageContaining("transformer.h.1.mlp.w1.lora_B.weight")
        .hasMessageContaining("[45, 2]")
        .hasMessageContaining("[44, 2]");
  }

  @Test
  void aConnectorOfAnotherWidthIsRefused() {
    Map<String, Tensor> tensors = projection("", 25);
    SafetensorsWriter.write(folder.resolve("other.safetensors"), tensors);
    assertThatThrownBy(() -> load(withPictures(folder.resolve("other.safetensors"))))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("other.safetensors")
        .hasMessageContaining("0.weight")
        .hasMessageContaining("[32, 25]")
        .hasMessageContaining("[32, 24]");
  }

  @Test
  void aConnectorWithMoreThanTwoLayersIsRefused() {
    Map<String, Tensor> tensors = projection("", 24);
    tensors.put("4.weight", Tensor.ofFloats(new float[32 * 32], 32, 32));
    SafetensorsWriter.write(folder.resolve("other.safetensors"), tensors);
    assertThatThrownBy(() -> load(withPictures(folder.resolve("other.safetensors"))))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("4.weight");
  }

  @Test
  void aConnectorMayCarryTheNameItHasInTheWholeModel() {
    SafetensorsWriter.write(folder.resolve("other.safetensors"), projection("feature_proj.", 24));
    try (VisionLanguageModel model = load(withPictures(folder.resolve("other.safetensors")))) {
      assertThat(model.modules().weights()).containsKey("connector-file.feature_proj.2.bias");
    }
  }

  @Test
  void aConnectorWithoutAVisionModelAndTheOtherWayRoundAreRefused() {
    assertThatThrownBy(() -> load(QWEN.withConnector(CONNECTOR)))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("--vision-model");
    assertThatThrownBy(() -> load(QWEN.withVisionModel(RESOURCES.resolve("clip"))))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("--connector");
  }

  @Test
  void aVisionModelThatIsNoneIsRefusedByItsModelType() {
    assertThatThrownBy(
            () -> load(QWEN.withVisionModel(RESOURCES.resolve("qwen")).withConnector(CONNECTOR)))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("model_type");
  }

  @Test
  void picturesForWhichATemplateMakesNoPlaceholderAreRefused() throws IOException {
    copyQwen();
    Files.writeString(
        folder.resolve("chat_template.jinja"),
        "{% for m in messages %}{% if m.role == 'user' %}{{ m.content }}{% endif %}{% endfor %}");
    Message system =
        new Message(Role.SYSTEM, Message.user(Image.of(RESOURCES.resolve("wide.png")), "").parts());
    try (VisionLanguageModel model =
        load(
            ModelParts.of(folder)
                .withVisionModel(RESOURCES.resolve("clip"))
                .withConnector(CONNECTOR))) {
      assertThatThrownBy(() -> model.prompt(List.of(system, Message.user("What?"))))
          .isInstanceOf(InputException.class)
          .hasMessageContaining("1 picture(s)")
          .hasMessageContaining("0 placeholder(s)");
    }
  }

  @Test
  void aTokenizerWithMoreTokensThanTheModelIsRefused() throws IOException {
    copyQwen();
    String lines = Files.readString(RESOURCES.resolve("qwen").resolve("qwen.tiktoken"));
    StringBuilder more = new StringBuilder(lines);
    for (int i = 0; i < 20; i++) {
      byte[] token = {'q', 'q', (byte) ('a' + i)};
      more.append(Base64.getEncoder().encodeToString(token))
          .append(' ')
          .append(lines.lines().count() + i)
          .append('\n');
    }
    Files.writeString(folder.resolve("qwen.tiktoken"), more.toString());
    assertThatThrownBy(() -> load(ModelParts.of(folder)))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("vocab_size");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "\"kv_channels\": 8 | \"kv_channels\": 16 | kv_channels",
        "\"seq_length\": 32 | \"seq_length\": 1 | seq_length",
        "\"seq_length\": 32, | '' | seq_length",
        "\"rotary_pct\": 1.0 | \"rotary_pct\": 0.5 | rotary_pct",
        "\"hidden_size\": 32 | \"hidden_size\": \"32\" | hidden_size",
        "\"num_hidden_layers\": 2 | \"num_hidden_layers\": 100000 | num_hidden_layers",
        "\"no_bias\": true | \"no_bias\": true, \"activation\": \"relu\" | activation",
        "\"no_bias\": true | \"no_bias\": true, \"pos_emb\": \"learned\" | pos_emb",
      })
  void configurationsThatAreNotOfThisFamilyAreRefusedByField(String from, String to, String field)
      throws IOException {
    String config = Files.readString(RESOURCES.resolve("qwen").resolve("config.json"));
    assertThat(config).contains(from);
    ConfigNode node = ConfigNode.parse("config.json", config.replace(from, to));
    assertThatThrownBy(() -> QwenConfig.read(node))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("config.json: " + field);
  }

  @Test
  void bothSpellingsOfAConfigurationGiveTheSameSizes() {
    QwenConfig later = QwenConfig.read(config("qwen"));
    QwenConfig early = QwenConfig.read(config("qwen-2023-08"));
    assertThat(early.decoder()).isEqualTo(later.decoder());
    assertThat(later.decoder().mlp().intermediateSize()).isEqualTo(44);
    assertThat(later.decoder().attention().inputBias()).isTrue();
    assertThat(later.decoder().attention().outputBias()).isFalse();
  }

  private static ConfigNode config(String model) {
    return ConfigNode.read(RESOURCES.resolve(model).resolve("config.json"));
  }

  private void copyQwen() throws IOException {
    try (Stream<Path> files = Files.list(RESOURCES.resolve("qwen"))) {
      for (Path file : files.toList()) {
        Files.copy(file, folder.resolve(file.getFileName()));
      }
    }
  }

  private void writeAdapter(String path, int in, int out) throws IOException {
    Files.writeString(
        folder.resolve("adapter_config.json"),
        "{\"peft_type\": \"LORA\", \"r\": 2, \"lora_alpha\": 4}");
    SafetensorsWriter.write(
        folder.resolve("adapter_model.safetensors"),
        Map.of(
            "base_model.model." + path + ".lora_A.weight",
            Tensor.ofFloats(new float[2 * in], 2, in),
            "base_model.model." + path + ".lora_B.weight",
            Tensor.ofFloats(new float[out * 2], out, 2)));
  }

  private static Map<String, Tensor> projection(String prefix, int in) {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    tensors.put(prefix + "0.weight", Tensor.ofFloats(new float[32 * in], 32, in));
    tensors.put(prefix + "0.bias", Tensor.ofFloats(new float[32], 32));
    tensors.put(prefix + "2.weight", Tensor.ofFloats(new float[32 * 32], 32, 32));
    tensors.put(prefix + "2.bias", Tensor.ofFloats(new float[32], 32));
    return tensors;
  }

  private static ModelParts withPictures(Path connector) {
    return QWEN.withVisionModel(RESOURCES.resolve("clip")).withConnector(connector);
  }

  private static VisionLanguageModel load(ModelParts parts) {
    return VisionLanguageModel.load(parts, LoadOptions.DEFAULT);
  }
}
