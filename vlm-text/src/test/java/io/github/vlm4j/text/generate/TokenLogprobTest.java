package io.github.vlm4j.text.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.vlm4j.text.generate.TokenLogprob.Alternative;
import java.util.List;
import org.junit.jupiter.api.Test;

class TokenLogprobTest {

  @Test
  void logprobsAreTheLogarithmOfTheSoftmax() {
    float[] logits = {0, (float) Math.log(2), (float) Math.log(5)};
    TokenLogprob logprob = TokenLogprob.of(logits, 1, 3);
    assertThat(logprob.logprob()).isCloseTo(Math.log(2 / 8.0), within(1e-6));
    assertThat(logprob.top()).extracting(Alternative::token).containsExactly(2, 1, 0);
    assertThat(logprob.top().get(2).logprob()).isCloseTo(Math.log(1 / 8.0), within(1e-6));
  }

  @Test
  void largeLogitsDoNotOverflow() {
    TokenLogprob logprob = TokenLogprob.of(new float[] {3e38f, 3e38f, -3e38f}, 0, 1);
    assertThat(logprob.logprob()).isCloseTo(Math.log(0.5), within(1e-6));
  }

  @Test
  void ofEqualTokensTheSmallerIdComesFirst() {
    List<Alternative> top = TokenLogprob.of(new float[] {1, 2, 2, 2, 1}, 0, 2).top();
    assertThat(top).extracting(Alternative::token).containsExactly(1, 2);
  }

  @Test
  void thereAreNoMoreAlternativesThanTokens() {
    assertThat(TokenLogprob.of(new float[] {1, 2}, 0, 100).top()).hasSize(2);
    assertThat(TokenLogprob.of(new float[] {1, 2}, 0, 0).top()).isEmpty();
  }
}
