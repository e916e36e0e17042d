package io.github.vlm4j.core.backend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.vlm4j.core.BackendException;
import io.github.vlm4j.core.conformance.OracleBackend;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;

/** Isolated because of the system property. */
@Isolated
final class BackendsTest {

  private final List<String> opened = new ArrayList<>();
  private final Backends backends =
      new Backends(
          List.of(
              new Fake("slow", 1, Availability.yes("anywhere")),
              new Fake("gpu", 100, Availability.no("No device was found; plug one in.")),
              new Fake("fast", 10, Availability.yes("16 lanes")),
              new Fake("also-fast", 10, Availability.yes("16 lanes"))));

  private @Nullable String before;

  private final class Fake implements BackendProvider {
    private final String name;
    private final int priority;
    private final Availability availability;

    Fake(String name, int priority, Availability availability) {
      this.name = name;
      this.priority = priority;
      this.availability = availability;
    }

    @Override
    public String name() {
      return name;
    }

    @Override
    public int priority() {
      return priority;
    }

    @Override
    public Availability availability() {
      return availability;
    }

    @Override
    public List<BackendDevice> devices() {
      return name.equals("slow") ? List.of(new BackendDevice("0:1", "a card", 1 << 30)) : List.of();
    }

    @Override
    public Backend open(BackendOptions options) {
      opened.add(name + " with " + options.threads());
      return new OracleBackend();
    }
  }

  @BeforeEach
  void forgetProperty() {
    before = System.clearProperty(Backends.PROPERTY);
  }

  @AfterEach
  void restoreProperty() {
    if (before == null) {
      System.clearProperty(Backends.PROPERTY);
    } else {
      System.setProperty(Backends.PROPERTY, before);
    }
  }

  @Test
  void withoutANameTheUsableOneOfHighestPriorityIsTaken() {
    backends.open(null, new BackendOptions(3)).close();
    assertThat(opened).containsExactly("also-fast with 3");
    assertThat(backends.providers().stream().map(BackendProvider::name))
        .containsExactly("gpu", "also-fast", "fast", "slow");
  }

  @Test
  void aNameIsTakenWhateverItsPriority() {
    backends.open("slow", BackendOptions.DEFAULT).close();
    assertThat(opened).containsExactly("slow with 0");
  }

  @Test
  void theSystemPropertyNamesABackendUnlessTheCallerDoes() {
    System.setProperty(Backends.PROPERTY, "slow");
    backends.open(null, BackendOptions.DEFAULT).close();
    backends.open("fast", BackendOptions.DEFAULT).close();
    assertThat(opened).containsExactly("slow with 0", "fast with 0");
    System.setProperty(Backends.PROPERTY, "quantum");
    assertThatThrownBy(() -> backends.open(null, BackendOptions.DEFAULT))
        .isInstanceOf(BackendException.class)
        .hasMessageContaining("quantum");
  }

  @Test
  void anUnknownNameListsWhatThereIs() {
    assertThatThrownBy(() -> backends.open("quantum", BackendOptions.DEFAULT))
        .isInstanceOf(BackendException.class)
        .hasMessage(
            "There is no backend \"quantum\"; there is: gpu (not usable), also-fast (usable), fast"
                + " (usable), slow (usable).");
    assertThat(opened).isEmpty();
  }

  @Test
  void anUnusableOneSaysWhyAndWhatElseThereIs() {
    assertThatThrownBy(() -> backends.open("gpu", BackendOptions.DEFAULT))
        .isInstanceOf(BackendException.class)
        .hasMessageContaining("\"gpu\" cannot run here: No device was found; plug one in.")
        .hasMessageContaining("fast (usable)");
  }

  @Test
  void ifNoneIsUsableOrThereAnErrorSaysSo() {
    Backends unusable = new Backends(List.of(new Fake("gpu", 1, Availability.no("No device."))));
    assertThatThrownBy(() -> unusable.open(null, BackendOptions.DEFAULT))
        .isInstanceOf(BackendException.class)
        .hasMessage("No backend can run here; there is: gpu (not usable).");
    assertThatThrownBy(() -> new Backends(List.of()).open(null, BackendOptions.DEFAULT))
        .isInstanceOf(BackendException.class)
        .hasMessageContaining("vlm-backend-cpu");
    assertThatThrownBy(() -> new Backends(List.of()).open("cpu", BackendOptions.DEFAULT))
        .isInstanceOf(BackendException.class)
        .hasMessageContaining("\"cpu\"");
  }

  @Test
  void theNumberOfThreadsIsNotNegative() {
    assertThatThrownBy(() -> new BackendOptions(-1)).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void aDeviceChoosesAmongTheBackendsThatHaveIt() {
    backends.open(null, BackendOptions.DEFAULT.withDevice("0:1")).close();
    backends.open("slow", new BackendOptions(2).withDevice("0:1")).close();

    assertThat(opened).containsExactly("slow with 0", "slow with 2");
  }

  @Test
  void aDeviceThatABackendDoesNotHaveIsRefusedByName() {
    assertThatThrownBy(() -> backends.open("slow", BackendOptions.DEFAULT.withDevice("3")))
        .isInstanceOf(BackendException.class)
        .hasMessageContaining("\"3\"")
        .hasMessageContaining("[0:1]");
    assertThatThrownBy(() -> backends.open("fast", BackendOptions.DEFAULT.withDevice("0:1")))
        .isInstanceOf(BackendException.class)
        .hasMessageContaining("[]");
    assertThatThrownBy(() -> backends.open(null, BackendOptions.DEFAULT.withDevice("3")))
        .isInstanceOf(BackendException.class)
        .hasMessageContaining("\"3\"");
  }

  @Test
  void aCopyOfOptionsKeepsAllElse() {
    WarmUpListener listener = (kernel, kernels, total) -> {};
    BackendOptions options = new BackendOptions(2, 3, "0:1", listener);
    assertThat(
            BackendOptions.DEFAULT
                .withWarmUp(listener)
                .withThreads(2)
                .withWeightBytes(3)
                .withDevice("0:1"))
        .isEqualTo(options);
    assertThat(options.withWarmUp(WarmUpListener.NONE))
        .isEqualTo(new BackendOptions(2, 3, "0:1", WarmUpListener.NONE));
  }
}
