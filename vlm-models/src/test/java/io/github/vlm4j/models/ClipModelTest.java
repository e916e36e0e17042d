package io.github.vlm4j.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.vlm4j.core.InputException;
import io.github.vlm4j.core.ModelException;
import io.github.vlm4j.core.VlmException;
import io.github.vlm4j.models.clip.ClipFixture;
import io.github.vlm4j.models.clip.LabelScore;
import io.github.vlm4j.models.clip.Similarity;
import io.github.vlm4j.vision.image.Image;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** From picture files and words to embeddings and scores, against the reference. */
class ClipModelTest {

  static Stream<String> cases() {
    return ClipFixture.names();
  }

  private static void near(String what, float[] actual, float[] expected) {
    assertThat(actual).as(what).hasSameSizeAs(expected);
    for (int i = 0; i < expected.length; i++) {
      assertThat(actual[i]).as("%s[%d]", what, i).isCloseTo(expected[i], within(1e-4f));
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void pictureFilesBecomeTheReferencesFeatures(String name) {
    try (ClipFixture fixture = ClipFixture.of(name);
        ClipModel model = ClipModel.load(fixture.model())) {
      List<Image> images = fixture.images();
      if (images.isEmpty()) {
        assertThatThrownBy(() -> model.embed(Image.ofRgb(new byte[3], 1, 1)))
            .isInstanceOf(InputException.class)
            .hasMessageContaining("has no encoder of pictures");
        return;
      }
      String expected = fixture.has("image_features") ? "image_features" : "vision.pooled";
      List<float[]> features = model.imageFeatures(images);
      for (int i = 0; i < images.size(); i++) {
        near(expected + " " + i, features.get(i), fixture.expected(expected, i));
        near("alone", model.imageFeatures(List.of(images.get(i))).getFirst(), features.get(i));
        assertThat(features.get(i)).hasSize(model.dimension());
      }
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void wordsBecomeTheReferencesFeatures(String name) {
    try (ClipFixture fixture = ClipFixture.of(name);
        ClipModel model = ClipModel.load(fixture.model())) {
      List<String> texts = fixture.texts();
      if (!model.hasTextEncoder()) {
        assertThatThrownBy(() -> model.embed("a"))
            .isInstanceOf(InputException.class)
            .hasMessageContaining("has no encoder of texts");
        return;
      }
      assertThat(texts).isNotEmpty();
      String expected = fixture.has("text_features") ? "text_features" : "text.pooled";
      List<float[]> features = model.textFeatures(texts);
      for (int i = 0; i < texts.size(); i++) {
        assertThat(model.tokenizer().encode(texts.get(i))).isEqualTo(fixture.ids(i));
        near(expected + " " + i, features.get(i), fixture.expected(expected, i));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void logitsProbabilitiesAndLossesAreTheReferences(String name) {
    try (ClipFixture fixture = ClipFixture.of(name);
        ClipModel model = ClipModel.load(fixture.model())) {
      if (!fixture.has("logits_per_image")) {
        assertThatThrownBy(() -> model.compare(List.of(), List.of()))
            .isInstanceOf(InputException.class)
            .hasMessageContaining("has one encoder only");
        return;
      }
      Similarity similarity = model.similarity(fixture.images(), fixture.texts());
      for (int i = 0; i < fixture.images().size(); i++) {
        near("logits", similarity.logitsPerImage()[i], fixture.expected("logits_per_image", i));
        near("probabilities", similarity.probabilities()[i], fixture.expected("probabilities", i));
      }
      int pairs = Math.min(3, Math.min(fixture.images().size(), fixture.texts().size()));
      Similarity square =
          model.similarity(fixture.images().subList(0, pairs), fixture.texts().subList(0, pairs));
      if (fixture.has("loss.contrastive")) {
        assertThat(square.contrastiveLoss())
            .isCloseTo(fixture.expected("loss.contrastive").toFloats()[0], within(1e-4));
      }
      if (fixture.has("loss.sigmoid")) {
        assertThat(square.sigmoidLoss())
            .isCloseTo(fixture.expected("loss.sigmoid").toFloats()[0], within(1e-4));
      }
    }
  }

  @Test
  void embeddingsHaveLengthOneAndLabelsComeInTheirOrder() {
    try (ClipFixture fixture = ClipFixture.of("hf_vit_p16_quickgelu");
        ClipModel model = ClipModel.load(fixture.model())) {
      double square = 0;
      for (float value : model.embed(fixture.images().getFirst())) {
        square += value * value;
      }
      assertThat(square).isCloseTo(1, within(1e-5));
      List<LabelScore> scores = model.classify(fixture.images().getFirst(), fixture.texts());
      assertThat(scores).extracting(LabelScore::label).isEqualTo(fixture.texts());
      assertThat(scores.stream().mapToDouble(LabelScore::probability).sum())
          .isCloseTo(1, within(1e-5));
      assertThatThrownBy(() -> model.classify(fixture.images().getFirst(), List.of()))
          .isInstanceOf(InputException.class)
          .hasMessage("There is no label to choose from; give at least one.");
    }
  }

  @Test
  void manyPicturesAndTextsAreTakenInBatches() {
    try (ClipFixture fixture = ClipFixture.of("hf_vit_p16_quickgelu");
        ClipModel model = ClipModel.load(fixture.model())) {
      List<Image> images =
          Stream.generate(() -> fixture.images().stream()).limit(7).flatMap(s -> s).toList();
      assertThat(images.size()).isGreaterThan(2 * ClipModel.PICTURE_BATCH);
      List<float[]> embeddings = model.embedImages(images);
      List<String> texts =
          Stream.generate(() -> fixture.texts().stream()).limit(60).flatMap(s -> s).toList();
      List<float[]> words = model.embedTexts(texts);
      for (int i = 0; i < images.size(); i++) {
        near("picture", embeddings.get(i), embeddings.get(i % fixture.images().size()));
      }
      for (int i = 0; i < texts.size(); i++) {
        near("text", words.get(i), words.get(i % fixture.texts().size()));
      }
      assertThat(model.embedImages(List.of())).isEmpty();
      assertThat(model.embedTexts(List.of())).isEmpty();
    }
  }

  @Test
  void aModelThatWritesIsRefused() {
    Path qwen = Path.of("src/test/resources/qwen3vl/tied_one_image");
    assertThatThrownBy(() -> ClipModel.load(qwen))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("is not a model that embeds pictures and texts")
        .hasMessageContaining("\"qwen3_vl\"");
  }

  @Test
  void aModelThatEmbedsIsNotLoadedAsOneThatWrites() {
    Path clip = Path.of("src/test/resources/clip/hf_vit_p16_quickgelu");
    assertThatThrownBy(() -> VisionLanguageModel.load(clip))
        .isInstanceOf(VlmException.class)
        .hasMessageContaining("\"clip\" embeds pictures and texts and does not write")
        .hasMessageContaining("ClipModel");
  }

  @Test
  void aClosedModelSaysSo() {
    ClipModel model = ClipModel.load(Path.of("src/test/resources/clip/hf_vit_p16_quickgelu"));
    model.close();
    model.close();
    assertThatThrownBy(() -> model.embed("a"))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("The model is closed");
  }
}
