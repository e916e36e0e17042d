package io.github.vlm4j.models.llava;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.vlm4j.core.InputException;
import io.github.vlm4j.core.VlmException;
import io.github.vlm4j.models.VisionLanguageModel;
import io.github.vlm4j.models.chat.Message;
import io.github.vlm4j.models.chat.Part;
import io.github.vlm4j.models.chat.Role;
import io.github.vlm4j.vision.image.Image;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What does not fit together is refused with the file and the field in one sentence. */
class LlavaBadInputTest {

  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir Path folder;

  @BeforeEach
  void copyModel() throws IOException {
    copy("clip_llama_published");
  }

  private void copy(String model) throws IOException {
    try (DirectoryStream<Path> files = Files.newDirectoryStream(LlavaCase.folder(model))) {
      for (Path file : files) {
        Files.copy(file, folder.resolve(file.getFileName()), StandardCopyOption.REPLACE_EXISTING);
      }
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "config.json | projector_hidden_act | \"gelu_fancy\" | projector_hidden_act",
        "config.json | vision_feature_select_strategy | \"cls\" | vision_feature_select_strategy",
        "config.json | vision_feature_layer | 5 | vision_feature_layer",
        "config.json | vision_feature_layer | -6 | vision_feature_layer",
        "config.json | vision_feature_layer | [] | vision_feature_layer",
        "config.json | vision_feature_layer | [-1, 9] | vision_feature_layer",
        "config.json | image_token_index | 368 | image_token_index",
        "config.json | image_token_index | 5 | image_token_index",
        "config.json | text_config | {\"model_type\": \"phi\"} | model_type",
        "config.json | vision_config | {\"model_type\": \"pixtral\"} | model_type",
        "config.json | vision_config | {\"model_type\": \"siglip2_vision_model\"} | model_type",
        "processor_config.json | patch_size | 14 | patch_size",
        "processor_config.json | vision_feature_select_strategy | \"full\" | select_strategy",
        "processor_config.json | vision_feature_select_strategy | \"both\" | select_strategy",
        "processor_config.json | num_additional_image_tokens | 0 | num_additional_image_tokens",
        "processor_config.json | image_token | \"<pad>\" | image_token_index",
        "processor_config.json | image_token | \"<picture>\" | tokenizer.json",
      })
  void whatDoesNotFitIsRefusedAtOnce(String file, String field, String value, String named)
      throws IOException {
    set(file, field, value);
    assertThatThrownBy(() -> VisionLanguageModel.load(folder).close())
        .isInstanceOf(VlmException.class)
        .hasMessageContaining(file)
        .hasMessageContaining(named)
        .hasMessageMatching("(?s)[^\\n]*");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "config.json | image_grid_pinpoints | [[24, 50]] | image_grid_pinpoints",
        "config.json | image_grid_pinpoints | [[24]] | image_grid_pinpoints",
        "config.json | image_grid_pinpoints | [] | image_grid_pinpoints",
        "config.json | image_grid_pinpoints | [[2400, 2400]] | image_grid_pinpoints",
        "config.json | vision_feature_select_strategy | \"full\" | select_strategy",
        "preprocessor_config.json | image_grid_pinpoints | [[24, 72]] | image_grid_pinpoints",
        "preprocessor_config.json | size | {\"shortest_edge\": 32} | size",
        "preprocessor_config.json | crop_size | {\"height\": 32, \"width\": 24} | crop_size",
        "preprocessor_config.json | image_processor_type | \"CLIPImageProcessor\" | type",
      })
  void tilesThatDoNotFitAreRefusedAtOnce(String file, String field, String value, String named)
      throws IOException {
    copy("next_clip_mistral");
    whatDoesNotFitIsRefusedAtOnce(file, field, value, named);
  }

  @Test
  void aTokenizerWithMoreTokensThanTheDecoderIsRefused() throws IOException {
    Path file = folder.resolve("tokenizer.json");
    ObjectNode tokenizer = (ObjectNode) JSON.readTree(file.toFile());
    ArrayNode added = (ArrayNode) tokenizer.get("added_tokens");
    for (int id = 352; id <= 368; id++) {
      added.add(
          ((ObjectNode) added.get(0)).deepCopy().put("id", id).put("content", "<" + id + ">"));
    }
    Files.writeString(file, tokenizer.toString());
    assertThatThrownBy(() -> VisionLanguageModel.load(folder).close())
        .isInstanceOf(VlmException.class)
        .hasMessageContaining("The tokenizer in")
        .hasMessageContaining("vocab_size 368");
  }

  @Test
  void picturesOfAnotherSizeThanTheTowerReadsAreRefused() throws IOException {
    set("preprocessor_config.json", "crop_size", "{\"height\": 35, \"width\": 35}");
    try (VisionLanguageModel model = VisionLanguageModel.load(folder)) {
      assertThatThrownBy(() -> model.prompt(List.of(user(picture()))))
          .isInstanceOf(VlmException.class)
          .hasMessageContaining("35×35")
          .hasMessageContaining("28×28")
          .hasMessageContaining("preprocessor_config.json");
    }
  }

  @Test
  void aTemplateThatLeavesPicturesOutIsRefused() throws IOException {
    set("chat_template.json", "chat_template", "\"{{ messages[0].content[1].text }}\"");
    try (VisionLanguageModel model = VisionLanguageModel.load(folder)) {
      assertThatThrownBy(() -> model.prompt(List.of(user(picture(), new Part.Text("What?")))))
          .isInstanceOf(InputException.class)
          .hasMessageContaining("1 picture(s)")
          .hasMessageContaining("0 placeholder(s)");
    }
  }

  @Test
  void aPlaceholderThatIsTypedStandsForNoPicture() {
    try (VisionLanguageModel model = VisionLanguageModel.load(folder)) {
      int placeholder = model.tokenizer().idOf("<image>").orElseThrow();
      int[] typed = model.prompt(List.of(user(new Part.Text("<image> <s> what?")))).ids();
      assertThat(IntStream.of(typed).filter(id -> id == placeholder)).isEmpty();
      assertThat(IntStream.of(typed).filter(id -> id == 1)).hasSize(1);
    }
  }

  @Test
  void videosAreRefused() {
    try (VisionLanguageModel model = VisionLanguageModel.load(folder)) {
      Part.Video video = new Part.Video(List.of(picture().image(), picture().image()), 2);
      assertThatThrownBy(() -> model.prompt(List.of(user(video))))
          .isInstanceOf(InputException.class)
          .hasMessageContaining("not videos");
    }
  }

  private Part.Picture picture() {
    return new Part.Picture(Image.of(folder.resolve("picture.png")));
  }

  private static Message user(Part... parts) {
    return new Message(Role.USER, List.of(parts));
  }

  private void set(String file, String field, String value) throws IOException {
    Path path = folder.resolve(file);
    JsonNode node = JSON.readTree(path.toFile());
    ((ObjectNode) node).set(field, JSON.readTree(value));
    Files.writeString(path, node.toString());
  }
}
