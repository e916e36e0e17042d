package io.github.vlm4j.backend.cpu.emitted;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

class CpuFeaturesTest {

  @Test
  void theProcessorSaysWhatLinuxSaysOfIt() throws IOException {
    Path cpuinfo = Path.of("/proc/cpuinfo");
    assumeThat(System.getProperty("os.arch")).isIn("amd64", "x86_64");
    assumeThat(cpuinfo).exists();
    List<String> flags =
        Files.readAllLines(cpuinfo).stream()
            .filter(line -> line.startsWith("flags"))
            .findFirst()
            .map(line -> List.of(line.split("\\s+")))
            .orElse(List.of());

    CpuFeatures features = CpuFeatures.ask();

    assertThat(features.avx2()).isEqualTo(flags.containsAll(List.of("avx2", "fma", "f16c")));
    assertThat(features.avx512())
        .isEqualTo(flags.containsAll(List.of("avx512f", "avx512bw", "avx512dq", "avx512vl")));
    assertThat(features.bf16()).isEqualTo(flags.contains("avx512_bf16"));
    assertThat(features.vnni()).isEqualTo(flags.contains("avx512_vnni"));
    assertThat(features.tiles()).isEqualTo(flags.containsAll(List.of("amx_tile", "amx_bf16")));
  }
}
