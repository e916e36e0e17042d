package io.github.vlm4j.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.vlm4j.core.InputException;
import io.github.vlm4j.models.clip.ClipFixture;
import io.github.vlm4j.vision.image.Image;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PicturePipelineTest {

  private static final String FIXED = "hf_vit_p16_quickgelu";
  private static final int COUNT = 21;

  private static Image picture(int seed) {
    int width = 20 + seed % 3 * 17;
    byte[] rgb = new byte[3 * width * 30];
    for (int i = 0; i < rgb.length; i++) {
      rgb[i] = (byte) (i * (seed + 1) >> 3);
    }
    return Image.ofRgb(rgb, width, 30);
  }

  private static Stream<Supplier<Image>> pictures(int count) {
    return IntStream.range(0, count).mapToObj(i -> () -> picture(i));
  }

  private static void same(List<float[]> actual, List<float[]> expected) {
    assertThat(actual).hasSameSizeAs(expected);
    for (int i = 0; i < expected.size(); i++) {
      for (int j = 0; j < expected.get(i).length; j++) {
        assertThat(actual.get(i)[j])
            .as("number %d of picture %d", j, i)
            .isCloseTo(expected.get(i)[j], within(1e-5f));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {FIXED, "siglip2_naflex", "openai_rn_f32"})
  void vectorsAreThoseOfTheirPicturesAloneAndInTheirOrder(String name) {
    try (ClipFixture fixture = ClipFixture.of(name);
        ClipModel model = ClipModel.load(fixture.model())) {
      List<float[]> alone = pictures(COUNT).map(one -> model.embed(one.get())).toList();
      List<float[]> vectors = new ArrayList<>();
      model.pipeline().embed(pictures(COUNT).iterator(), vectors::add);
      same(vectors, alone);

      for (int batch : new int[] {1, 4, COUNT, 100}) {
        vectors.clear();
        model.pipeline(batch).embed(pictures(COUNT).iterator(), vectors::add);
        same(vectors, alone);
      }

      List<float[]> features = new ArrayList<>();
      model.pipeline().features(pictures(COUNT).iterator(), features::add);
      same(features, model.imageFeatures(pictures(COUNT).map(Supplier::get).toList()));
    }
  }

  @Test
  void onlySoManyPicturesAreOpenedAsFitBesideEachOther() {
    try (ClipFixture fixture = ClipFixture.of(FIXED);
        ClipModel model = ClipModel.load(fixture.model())) {
      AtomicInteger opened = new AtomicInteger();
      AtomicInteger told = new AtomicInteger();
      Supplier<Image> picture =
          () -> {
            // What is open beyond those told is at most a batch that is encoded and two ahead.
            assertThat(opened.incrementAndGet() - told.get())
                .isLessThanOrEqualTo(3 * ClipModel.PICTURE_BATCH);
            return picture(1);
          };
      model
          .pipeline()
          .embed(Stream.generate(() -> picture).limit(200).iterator(), v -> told.incrementAndGet());
      assertThat(told.get()).isEqualTo(200);
    }
  }

  @Test
  void aPictureThatCannotBeReadEndsItInThatPicturesSentence() {
    try (ClipFixture fixture = ClipFixture.of(FIXED);
        ClipModel model = ClipModel.load(fixture.model())) {
      List<Supplier<Image>> pictures = new ArrayList<>(pictures(COUNT).toList());
      pictures.set(12, () -> Image.of(new byte[] {1, 2, 3}));
      pictures.set(13, () -> Image.of(new byte[0]));
      String sentence = "";
      try {
        sentence = "It was read: " + pictures.get(12).get();
      } catch (InputException unreadable) {
        sentence = String.valueOf(unreadable.getMessage());
      }
      List<float[]> vectors = new ArrayList<>();
      assertThatThrownBy(() -> model.pipeline().embed(pictures.iterator(), vectors::add))
          .isInstanceOf(InputException.class)
          .hasMessage(sentence);
      assertThat(vectors).hasSize(8);
      vectors.clear();
      model.pipeline().embed(pictures(3).iterator(), vectors::add);
      assertThat(vectors).hasSize(3);
    }
  }

  @Test
  void whoeverTakesTheVectorsMayStop() {
    try (ClipFixture fixture = ClipFixture.of(FIXED);
        ClipModel model = ClipModel.load(fixture.model())) {
      assertThatThrownBy(() ->
              model
                  .pipeline()
                  .embed(
                      Stream.generate(() -> (Supplier<Image>) () -> picture(1)).iterator(),
                      vector -> {
                        throw new IllegalStateException("enough");
                      }))
          .hasMessage("enough");
    }
  }

  @Test
  void aBatchOfNoPictureIsRefused() {
    try (ClipFixture fixture = ClipFixture.of(FIXED);
        ClipModel model = ClipModel.load(fixture.model())) {
      assertThatThrownBy(() -> model.pipeline(0)).isInstanceOf(IllegalArgumentException.class);
    }
  }
}
