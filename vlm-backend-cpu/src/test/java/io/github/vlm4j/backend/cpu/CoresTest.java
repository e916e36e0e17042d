package io.github.vlm4j.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CoresTest {

  @TempDir Path topology = Path.of("");

  @Test
  void hardwareThreadsOfOneCoreAreCountedOnce() throws IOException {
    processors("0,4", "1,5", "2,6", "3,7", "0,4", "1,5", "2,6", "3,7");

    assertThat(Cores.physical(topology, 8)).isEqualTo(4);
  }

  @Test
  void aLimitBelowTheCoresHolds() throws IOException {
    processors("0", "1", "2", "3");

    assertThat(Cores.physical(topology, 2)).isEqualTo(2);
  }

  @Test
  void otherFoldersAreIgnored() throws IOException {
    processors("0", "1");
    Files.createDirectories(topology.resolve("cpufreq"));
    Files.createDirectories(topology.resolve("cpu9"));

    assertThat(Cores.physical(topology, 16)).isEqualTo(2);
  }

  @Test
  void withoutTopologyEveryProcessorCounts() {
    assertThat(Cores.physical(topology, 6)).isEqualTo(6);
    assertThat(Cores.physical(topology.resolve("missing"), 6)).isEqualTo(6);
  }

  private void processors(String... siblings) throws IOException {
    for (int i = 0; i < siblings.length; i++) {
      Path folder = Files.createDirectories(topology.resolve("cpu" + i).resolve("topology"));
      Files.writeString(folder.resolve("thread_siblings_list"), siblings[i] + "\n");
    }
  }
}
