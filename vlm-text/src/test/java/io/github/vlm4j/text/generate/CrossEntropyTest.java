package io.github.vlm4j.text.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class CrossEntropyTest {

  private static final int IGNORED = CrossEntropy.IGNORED;

  @Test
  void isTheMeanOverThePositionsThatCount() {
    CrossEntropy entropy = new CrossEntropy(new int[] {IGNORED, 1, IGNORED, 0});
    float[][] logits = {{9, 9}, {0, 0}, {-5, 5}, {0, (float) Math.log(3)}};
    for (int i = 0; i < logits.length; i++) {
      entropy.add(i, logits[i]);
    }
    assertThat(entropy.logprobs()).hasSize(2);
    assertThat(entropy.logprobs().get(0)).isCloseTo(-Math.log(2), within(1e-7));
    assertThat(entropy.logprobs().get(1)).isCloseTo(-Math.log(4), within(1e-7));
    assertThat(entropy.loss()).isCloseTo((Math.log(2) + Math.log(4)) / 2, within(1e-7));
  }

  @Test
  void withoutAnyTargetItIsNotANumber() {
    CrossEntropy entropy = new CrossEntropy(new int[] {IGNORED});
    entropy.add(0, new float[] {1, 2});
    assertThat(entropy.loss()).isNaN();
  }

  @Test
  void largeLogitsDoNotOverflow() {
    CrossEntropy entropy = new CrossEntropy(new int[] {0});
    entropy.add(0, new float[] {3e38f, 3e38f, -3e38f});
    assertThat(entropy.loss()).isCloseTo(Math.log(2), within(1e-7));
  }

  @Test
  void targetsAreTheNextTokensFromTheFirstThatCounts() {
    int[] ids = {5, 6, 7, 8};
    assertThat(CrossEntropy.nextTokens(ids, 2)).containsExactly(IGNORED, 7, 8, IGNORED);
    assertThat(CrossEntropy.nextTokens(ids, 1)).containsExactly(6, 7, 8, IGNORED);
    assertThat(CrossEntropy.nextTokens(ids, 4)).containsOnly(IGNORED);
  }

  @Test
  void theFirstTokenOfAllCannotCount() {
    assertThatIllegalArgumentException().isThrownBy(() -> CrossEntropy.nextTokens(new int[1], 0));
    assertThatIllegalArgumentException().isThrownBy(() -> CrossEntropy.nextTokens(new int[1], 2));
  }
}
