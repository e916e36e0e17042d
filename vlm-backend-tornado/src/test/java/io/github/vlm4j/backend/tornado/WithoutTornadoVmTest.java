package io.github.vlm4j.backend.tornado;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.vlm4j.core.BackendException;
import io.github.vlm4j.core.backend.BackendOptions;
import io.github.vlm4j.core.backend.BackendProvider;
import io.github.vlm4j.core.backend.Backends;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** In a JVM that knows nothing of TornadoVM, whether or not this module was built with it. */
final class WithoutTornadoVmTest {

  @Test
  void theProviderIsFoundAndSaysWhatToDo() throws Exception {
    assertThat(Backends.find().providers())
        .extracting(BackendProvider::name)
        .contains(TornadoBackendProvider.NAME);

    String answer = ChildJvm.ask(Map.of(), List.of());

    assertThat(answer).startsWith("false -100 ").contains("TORNADOVM_HOME").endsWith(".");
  }

  @Test
  void anUnusableBackendIsNotOpened() {
    TornadoBackendProvider provider = new TornadoBackendProvider();
    if (!provider.availability().usable()) {
      assertThatThrownBy(() -> provider.open(BackendOptions.DEFAULT))
          .isInstanceOf(BackendException.class)
          .hasMessage(provider.availability().detail());
    }
  }
}
