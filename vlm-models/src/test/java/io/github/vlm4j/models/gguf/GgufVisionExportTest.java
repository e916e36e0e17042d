package io.github.vlm4j.models.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.vlm4j.core.VlmException;
import io.github.vlm4j.core.checkpoint.ConfigNode;
import io.github.vlm4j.core.checkpoint.GgufFile;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.models.VisionLanguageModel;
import io.github.vlm4j.models.chat.Message;
import io.github.vlm4j.models.chat.MessagesFile;
import io.github.vlm4j.vision.image.Image;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Folders of models that read pictures, written as two GGUF files and read back. */
class GgufVisionExportTest {

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "qwen3vl/tied_one_image",
        "qwen3vl/untied_two_images",
        "qwen3vl/multi_turn",
        "qwen3vl/head_dim_differs",
        "qwen3vl/old_config_style",
        "qwen3vl/resized",
        "qwen3vl/sharded_bf16",
        "qwen3vl/text_only",
        "qwenvl/qwen2_one_image",
        "qwenvl/qwen2_two_images",
        "qwenvl/qwen2_text_only",
        "qwenvl/qwen2_5_one_image",
        "llava/clip_llama_published"
      })
  void aModelThatIsWrittenAndReadBackAnswersAsBefore(String name) throws Exception {
    Path source = GgufTextTest.resources().resolve(name);
    Path target = folder.resolve("model.gguf");
    List<String> told = new ArrayList<>();
    try (GgufExport export = GgufExport.open(source)) {
      export.write(target, GgufExport.Encoding.AS_STORED, told::add);
      assertThat(told)
          .isEqualTo(export.names())
          .contains("blk.1.attn_q.weight", "v.blk.0.ln1.weight");
      assertThat(export.files(target))
          .containsExactly(target, folder.resolve("mmproj-model.gguf"))
          .allSatisfy(file -> assertThat(file).isRegularFile());
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
   * The converter writes more about the model's origin and how tokens are chosen. It takes LLaVA's
   * placeholder of a picture for a word of the user's, though {@code tokenizer.json} does not.
   */
  @ParameterizedTest
  @CsvSource({
    "qwen3vl, qwen3vl/tied_one_image",
    "qwen2vl, qwenvl/qwen2_one_image",
    "qwen25vl, qwenvl/qwen2_5_one_image",
    "llava, llava/clip_llama_published"
  })
  void theFilesSayWhatThoseOfLlamaCppSay(String name, String source) throws Exception {
    Path resources = GgufTextTest.resources();
    write(resources.resolve(source));
    for (String file : List.of("model.gguf", "mmproj-model.gguf")) {
      try (GgufFile ours = GgufFile.open(folder.resolve(file));
          GgufFile theirs = GgufFile.open(resources.resolve("gguf/" + name).resolve(file))) {
        GgufExportTest.assertSame(
            ours,
            theirs,
            name.equals("llava")
                ? Set.of("tokenizer.ggml.scores", "tokenizer.ggml.token_type")
                : Set.of());
      }
    }
  }

  /** ggml unrolls pictures for kernels of f32 and f16, and interpolates positions in f32. */
  @Test
  void whatGgmlComputesWithInOtherTypesAloneIsWidened() throws Exception {
    write(GgufTextTest.resources().resolve("qwen3vl/sharded_bf16"));
    try (GgufFile vision = GgufFile.open(folder.resolve("mmproj-model.gguf"))) {
      assertThat(vision.dtype("v.blk.0.attn_qkv.weight")).isEqualTo(DType.BF16);
      assertThat(vision.dtype("v.blk.0.attn_qkv.bias")).isEqualTo(DType.F32);
      assertThat(vision.dtype("v.patch_embd.weight")).isEqualTo(DType.F32);
      assertThat(vision.dtype("v.patch_embd.weight.1")).isEqualTo(DType.F32);
      assertThat(vision.dtype("v.position_embd.weight")).isEqualTo(DType.F32);
    }
    write(GgufTextTest.resources().resolve("llava/clip_llama_published"));
    try (GgufFile vision = GgufFile.open(folder.resolve("mmproj-model.gguf"))) {
      assertThat(vision.dtype("v.patch_embd.weight")).isEqualTo(DType.F16);
      assertThat(vision.dtype("v.class_embd")).isEqualTo(DType.F32);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "llava/clip_llama_in_memory, '\"hidden_act\": \"gelu\"', '\"hidden_act\": \"quick_gelu\"'",
    "qwenvl/qwen2_video, '', ''"
  })
  void foldersOfOtherVersionsAnswerAsBefore(String name, String before, String after)
      throws Exception {
    Path source = copy(GgufTextTest.resources().resolve(name), before, after);
    write(source);
    Image picture =
        Image.of(GgufTextTest.resources().resolve("qwen3vl/f16_attention_bias/picture.png"));
    List<Message> messages = List.of(Message.user(picture, "What is in the picture?"));
    try (VisionLanguageModel model = VisionLanguageModel.load(source);
        VisionLanguageModel written = VisionLanguageModel.load(folder.resolve("model.gguf"))) {
      assertThat(written.prompt(messages).ids()).isEqualTo(model.prompt(messages).ids());
      assertThat(written.score(messages, "seven books").logprobs())
          .zipSatisfy(
              model.score(messages, "seven books").logprobs(),
              (actual, expected) -> assertThat(actual).isCloseTo(expected, within(1e-4)));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "qwenvl/qwen3_moe_one_image, model_type must be llama",
    "llava/next_clip_mistral, model_type must be llama",
    "qwen3vl/f16_attention_bias, with biases in all projections cannot be written",
    "qwenvl/qwen2_5_sliding_window, with sliding windows cannot be written",
    "qwenvl/qwen2_5_two_images, fullatt_block_indexes must be the last of every so many blocks",
    "llava/siglip_qwen2, model_type must be clip_vision_model",
    "llava/clip_mistral_window, with sliding windows cannot be written",
    "llava/clip_llama_in_memory, hidden_act must be gelu_pytorch_tanh"
  })
  void modelsThatLlamaCppDoesNotKnowAreRefused(String name, String message) throws Exception {
    Path source = GgufTextTest.resources().resolve(name);
    assertThatThrownBy(() -> write(source))
        .isInstanceOf(VlmException.class)
        .hasMessageContaining(message);
    assertThat(folder).isEmptyDirectory();
  }

  @ParameterizedTest
  @CsvSource({
    "'\"image_token_id\": 382', '\"image_token_id\": 5', 'which must be <|image_pad|>'",
    "'\"spatial_merge_size\": 2', '\"spatial_merge_size\": 3', 'has other channels, frames'",
    "'\"gelu_pytorch_tanh\"', '\"quick_gelu\"', 'hidden_act must be gelu_pytorch_tanh'",
    "'\"deepstack_visual_indexes\": [', '\"deepstack_visual_indexes\": [], \"unused\": [', "
        + "'is no tensor of a qwen3_vl model'"
  })
  void configurationsThatAFileCannotSayAreRefused(String before, String after, String message)
      throws Exception {
    Path source = GgufTextTest.resources().resolve("qwen3vl/tied_one_image");
    Path changed = copy(source, before, after);
    assertThatThrownBy(() -> write(changed))
        .isInstanceOf(VlmException.class)
        .hasMessageContaining(message);
    assertThat(folder.resolve("model.gguf")).doesNotExist();
    assertThat(folder.resolve("mmproj-model.gguf")).doesNotExist();
  }

  @Test
  void ofSeveralVisionEncodersTheOneOfTheModelsNameIsTaken() throws Exception {
    Path source = GgufTextTest.resources().resolve("qwen3vl/tied_one_image");
    write(source);
    Files.copy(folder.resolve("mmproj-model.gguf"), folder.resolve("mmproj-other.gguf"));
    try (VisionLanguageModel model = VisionLanguageModel.load(folder.resolve("model.gguf"))) {
      assertThat(model.prompt(MessagesFile.read(source.resolve("messages.json"))).ids())
          .isNotEmpty();
    }
  }

  @Test
  void aRunThatFailsLeavesNeitherFile() throws Exception {
    Path source = GgufTextTest.resources().resolve("qwen3vl/tied_one_image");
    try (GgufExport export = GgufExport.open(source)) {
      assertThatThrownBy(() ->
              export.write(
                  folder.resolve("model.gguf"),
                  GgufExport.Encoding.AS_STORED,
                  name -> {
                    if (name.equals("mm.2.weight")) {
                      throw new IllegalStateException("ended");
                    }
                  }))
          .isInstanceOf(IllegalStateException.class);
    }
    assertThat(folder).isEmptyDirectory();
  }

  private void write(Path source) {
    try (GgufExport export = GgufExport.open(source)) {
      export.write(folder.resolve("model.gguf"), GgufExport.Encoding.AS_STORED, name -> {});
    }
  }

  /** Returns a copy of a folder with another text in its configuration. */
  private Path copy(Path source, String before, String after) throws IOException {
    Path target = Files.createDirectories(folder.resolve("source"));
    try (DirectoryStream<Path> files = Files.newDirectoryStream(source)) {
      for (Path file : files) {
        Files.copy(file, target.resolve(file.getFileName()));
      }
    }
    Path config = target.resolve("config.json");
    String text = Files.readString(config);
    assertThat(text).contains(before);
    Files.writeString(config, text.replace(before, after));
    return target;
  }
}
