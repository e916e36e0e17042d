package io.github.vlm4j.models.minimindv;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.vlm4j.core.checkpoint.Checkpoint;
import io.github.vlm4j.core.checkpoint.SafetensorsWriter;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.models.LoadOptions;
import io.github.vlm4j.models.VisionLanguageModel;
import io.github.vlm4j.models.chat.GenerationRequest;
import io.github.vlm4j.models.chat.GenerationResult;
import io.github.vlm4j.models.chat.Message;
import io.github.vlm4j.models.chat.Part;
import io.github.vlm4j.models.chat.Role;
import io.github.vlm4j.models.family.PreparedPrompt;
import io.github.vlm4j.models.family.PreparedVisual;
import io.github.vlm4j.text.generate.GenerationConfig;
import io.github.vlm4j.text.generate.SamplingOptions;
import io.github.vlm4j.vision.image.Image;
import io.github.vlm4j.vision.preprocess.PixelValues;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** From files and a conversation to tokens, as a user of the SDK meets it. */
class MiniMindVEndToEndTest {

  private static VisionLanguageModel load(MiniMindCase reference) {
    return VisionLanguageModel.load(reference.parts(), LoadOptions.DEFAULT);
  }

  @ParameterizedTest
  @MethodSource("io.github.vlm4j.models.minimindv.MiniMindCase#names")
  void promptsAndTokensEqualThePublishedCode(String name) {
    try (MiniMindCase reference = MiniMindCase.open(name);
        VisionLanguageModel model = load(reference)) {
      PreparedPrompt prompt = model.prompt(reference.messages());

      assertThat(prompt.text())
          .isEqualTo(
              reference
                  .text("prompt")
                  .replaceAll("@+", "@")
                  .replaceAll("(<\\|image_pad\\|>)+", "<|image_pad|>"));
      assertThat(prompt.ids()).isEqualTo(reference.ints("promptTokenIds"));
      assertThat(prompt.visuals()).hasSize(reference.expected.get("imageRows").size());
      for (int i = 0; i < prompt.visuals().size(); i++) {
        assertThat(prompt.visuals().get(i).rows())
            .isEqualTo(MiniMindCase.ints(reference.expected.get("imageRows").get(i)));
        assertThat(prompt.visuals().get(i).grid()).isEqualTo(reference.grids().get(i));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("io.github.vlm4j.models.minimindv.MiniMindCase#pictureNames")
  void pixelsAreWithinTwoLevelsOfTheReference(String name) {
    try (MiniMindCase reference = MiniMindCase.open(name);
        VisionLanguageModel model = load(reference)) {
      List<PreparedVisual> visuals = model.prompt(reference.messages()).visuals();
      for (int i = 0; i < visuals.size(); i++) {
        Tensor values = reference.tensor("image." + i + ".pixel_values");
        Shape shape = values.shape();
        float[] patches =
            shape.rank() == 2
                ? values.toFloats()
                : new PixelValues(
                        values.toFloats(),
                        (int) shape.dim(0),
                        (int) shape.dim(1),
                        (int) shape.dim(2))
                    .patches(8);
        float[] pixels = visuals.get(i).pixels();
        assertThat(pixels).hasSameSizeAs(patches);
        // CLIP's narrowest channel spans 3.83 from black to white.
        for (int j = 0; j < pixels.length; j++) {
          assertThat(pixels[j]).isCloseTo(patches[j], Offset.offset(2 * 3.9f / 255));
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("io.github.vlm4j.models.minimindv.MiniMindCase#names")
  void greedyAnswersFromPictureFilesOnEqualThePublishedCode(String name) {
    try (MiniMindCase reference = MiniMindCase.open(name);
        VisionLanguageModel model = load(reference)) {
      int[] expected = reference.ints("greedyTokens");
      GenerationRequest.Builder request =
          GenerationRequest.builder()
              .messages(reference.messages())
              .sampling(SamplingOptions.GREEDY)
              .maxNewTokens(expected.length);
      assertThat(tokens(model.generate(request.build())))
          .isEqualTo(reference.ints("tokensUntilEos"));
      GenerationResult all = model.generate(request.ignoreEos(true).build());
      assertThat(tokens(all)).isEqualTo(expected);
      assertThat(all.text()).isEqualTo(reference.text("greedyText"));
    }
  }

  private static int[] tokens(GenerationResult result) {
    return result.tokens().stream().mapToInt(Integer::intValue).toArray();
  }

  @Test
  void samplesByDefaultAsThePublishedEvaluationDoes() {
    for (String name : List.of("a_dense", "e_folder")) {
      try (MiniMindCase reference = MiniMindCase.open(name);
          VisionLanguageModel model = load(reference)) {
        GenerationConfig defaults = model.generationDefaults();
        assertThat(defaults.sampling().temperature()).isEqualTo(0.65);
        assertThat(defaults.sampling().topP()).isEqualTo(0.85);
        assertThat(defaults.eosTokenIds()).isEqualTo(Set.of(2));
      }
    }
  }

  @Test
  void aVisionModelWithoutItsPoolingHeadWillDo(@TempDir Path folder) throws IOException {
    try (MiniMindCase reference = MiniMindCase.open("e_dense")) {
      Path whole = reference.parts().vision().orElseThrow();
      for (String file : List.of("config.json", "preprocessor_config.json")) {
        Files.copy(whole.resolve(file), folder.resolve(file));
      }
      try (Checkpoint checkpoint = Checkpoint.open(whole)) {
        Map<String, Tensor> kept = new TreeMap<>();
        checkpoint.names().stream()
            .filter(name -> !name.contains("head."))
            .forEach(name -> kept.put(name, checkpoint.tensor(name)));
        assertThat(kept).hasSizeLessThan(checkpoint.names().size());
        SafetensorsWriter.write(folder.resolve("model.safetensors"), kept);
      }
      try (VisionLanguageModel model =
          VisionLanguageModel.load(
              reference.parts().withVisionModel(folder), LoadOptions.DEFAULT)) {
        GenerationResult result =
            model.generate(
                GenerationRequest.builder()
                    .messages(reference.messages())
                    .sampling(SamplingOptions.GREEDY)
                    .maxNewTokens(reference.ints("greedyTokens").length)
                    .ignoreEos(true)
                    .build());
        assertThat(tokens(result)).isEqualTo(reference.ints("greedyTokens"));
      }
    }
  }

  @Test
  void signsThatPeopleWriteAreNotTakenForPictures() {
    try (MiniMindCase reference = MiniMindCase.open("b_dense");
        VisionLanguageModel model = load(reference)) {
      Image image = Image.of(reference.folder.resolve("wide.png"));
      String written = "@".repeat(16);
      PreparedPrompt prompt =
          model.prompt(
              List.of(
                  new Message(
                      Role.USER,
                      List.of(
                          new Part.Text(written + " me@example.org"),
                          new Part.Picture(image),
                          new Part.Text(written)))));
      assertThat(prompt.text()).contains(written + " me@example.org\n@\n" + written);
      assertThat(prompt.visuals()).hasSize(1);
      int[] rows = prompt.visuals().getFirst().rows();
      assertThat(rows).hasSize(16);
      int[] ids = prompt.ids();
      int[] signs = IntStream.range(0, ids.length).filter(i -> ids[i] == 34).toArray();
      assertThat(signs).hasSize(16 + 1 + 16 + 16);
      assertThat(rows).isEqualTo(Arrays.copyOfRange(signs, 17, 33));
    }
  }

  @Test
  void placeholdersThatPeopleWriteAreText() {
    try (MiniMindCase reference = MiniMindCase.open("e_dense");
        VisionLanguageModel model = load(reference)) {
      Image image = Image.of(reference.folder.resolve("first.png"));
      PreparedPrompt prompt =
          model.prompt(
              List.of(
                  new Message(
                      Role.USER,
                      List.of(
                          new Part.Text("<|image_pad|>"),
                          new Part.Picture(image),
                          new Part.Picture(image)))));
      assertThat(prompt.text())
          .contains("user\n<|image_pad|>\n<|image_pad|>\n<|image_pad|><|im_end|>");
      assertThat(prompt.visuals()).hasSize(2);
      assertThat(Arrays.stream(prompt.ids()).filter(id -> id == 12).count()).isEqualTo(32);
    }
  }
}
