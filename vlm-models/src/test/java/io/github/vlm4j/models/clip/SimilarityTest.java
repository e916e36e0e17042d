package io.github.vlm4j.models.clip;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Test;

class SimilarityTest {

  private static final List<float[]> IMAGES =
      List.of(new float[] {1, 0}, new float[] {0.6f, 0.8f}, new float[] {0, 1});
  private static final List<float[]> TEXTS = List.of(new float[] {0, 1}, new float[] {1, 0});

  @Test
  void logitsAreScaledCosinesWithABias() {
    Similarity similarity = Similarity.of(Scoring.SIGMOID, IMAGES, TEXTS, 10, -2);
    assertThat(similarity.logitsPerImage()[1]).containsExactly(6f, 4f);
    assertThat(similarity.logitsPerText()[1]).containsExactly(8f, 4f, -2f);
  }

  @Test
  void softmaxMakesTextsCompete() {
    Similarity similarity = Similarity.of(Scoring.SOFTMAX, IMAGES, TEXTS, 2, 0);
    float[] probabilities = similarity.probabilities()[0];
    assertThat(probabilities[1]).isCloseTo((float) (1 / (1 + Math.exp(-2))), within(1e-6f));
    assertThat(probabilities[0] + probabilities[1]).isCloseTo(1f, within(1e-6f));
  }

  @Test
  void softmaxOfHugeLogitsIsFinite() {
    Similarity similarity = new Similarity(Scoring.SOFTMAX, new float[][] {{3e38f, -3e38f, 3e38f}});
    assertThat(similarity.probabilities()[0]).containsExactly(0.5f, 0f, 0.5f);
  }

  @Test
  void sigmoidLetsEachPairStandForItself() {
    Similarity similarity = Similarity.of(Scoring.SIGMOID, IMAGES, TEXTS, 3, 0);
    assertThat(similarity.probabilities()[0][0]).isEqualTo(0.5f);
    assertThat(similarity.probabilities()[0][1])
        .isCloseTo((float) (1 / (1 + Math.exp(-3))), within(1e-6f));
  }

  @Test
  void lossesOfKnownLogits() {
    Similarity even = new Similarity(Scoring.SOFTMAX, new float[][] {{0, 0}, {0, 0}});
    assertThat(even.contrastiveLoss()).isCloseTo(Math.log(2), within(1e-12));
    assertThat(even.sigmoidLoss()).isCloseTo(2 * Math.log(2), within(1e-12));
    Similarity good = new Similarity(Scoring.SIGMOID, new float[][] {{50, -50}, {-50, 50}});
    assertThat(good.contrastiveLoss()).isCloseTo(0, within(1e-12));
    assertThat(good.sigmoidLoss()).isCloseTo(0, within(1e-12));
    Similarity bad = new Similarity(Scoring.SIGMOID, new float[][] {{-500, 500}, {500, -500}});
    assertThat(bad.contrastiveLoss()).isCloseTo(1000, within(1e-9));
    assertThat(bad.sigmoidLoss()).isCloseTo(1000, within(1e-9));
  }

  @Test
  void aLossNeedsPairs() {
    Similarity uneven = Similarity.of(Scoring.SOFTMAX, IMAGES, TEXTS, 1, 0);
    assertThatThrownBy(uneven::contrastiveLoss)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("not 3 and 2");
  }
}
