package io.github.vlm4j.models.chat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.vlm4j.core.InputException;
import java.util.List;
import org.junit.jupiter.api.Test;

class GenerationRequestTest {

  private static GenerationRequest.Builder request() {
    return GenerationRequest.builder().message(Message.user("Hi"));
  }

  @Test
  void whatIsNotAskedForHasDefaults() {
    GenerationRequest request = request().build();
    assertThat(request.maxNewTokens()).isEqualTo(GenerationRequest.DEFAULT_MAX_NEW_TOKENS);
    assertThat(request.sampling()).isEmpty();
    assertThat(request.topLogprobs()).isEqualTo(-1);
    assertThat(request.ignoreEos()).isFalse();
    assertThat(request.stopStrings()).isEmpty();
    assertThat(request.listener()).isSameAs(GenerationListener.NONE);
  }

  @Test
  void aRequestWithoutMessagesIsRefused() {
    assertThatThrownBy(() -> GenerationRequest.builder().build())
        .isInstanceOf(InputException.class)
        .hasMessageContaining("no messages");
  }

  @Test
  void numbersOutOfRangeAreRefused() {
    assertThatThrownBy(() -> request().maxNewTokens(0).build())
        .isInstanceOf(InputException.class)
        .hasMessageContaining("not 0");
    assertThatThrownBy(() -> request().topLogprobs(101).build())
        .isInstanceOf(InputException.class)
        .hasMessageContaining("not 101");
    assertThatThrownBy(() -> request().topLogprobs(-2).build()).isInstanceOf(InputException.class);
  }

  @Test
  void aRequestDoesNotChangeWithItsBuilder() {
    GenerationRequest.Builder builder = request();
    GenerationRequest request = builder.build();
    builder.message(Message.assistant("Yes?")).maxNewTokens(3).stop("x");
    assertThat(request.messages()).isEqualTo(List.of(Message.user("Hi")));
    assertThat(request.maxNewTokens()).isEqualTo(GenerationRequest.DEFAULT_MAX_NEW_TOKENS);
    assertThat(request.stopStrings()).isEmpty();
  }
}
