package io.github.vlm4j.cli;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/** What the machine has, as the JVM and, on Linux, {@code /proc} tell it. */
final class Machine {

  private static final Path STATUS = Path.of("/proc/self/status");
  private static final Path CPUS = Path.of("/proc/cpuinfo");

  /** What kernels are, or may come to be, written for: x86-64 and then AArch64. */
  private static final List<String> TELLING_FEATURES =
      List.of(
          "sse4_2",
          "avx",
          "f16c",
          "fma",
          "avx2",
          "avx_vnni",
          "avx512f",
          "avx512bw",
          "avx512_vnni",
          "avx512_bf16",
          "avx512_fp16",
          "amx_bf16",
          "amx_int8",
          "asimd",
          "asimdhp",
          "asimddp",
          "bf16",
          "i8mm",
          "sve",
          "sve2");

  private Machine() {}

  /** Returns the memory that there is in all. */
  static long memoryBytes() {
    return ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getTotalMemorySize();
  }

  /** Returns the most memory this process has had; only Linux tells. */
  static OptionalLong peakBytes() {
    return lines(STATUS).stream()
        .filter(line -> line.startsWith("VmHWM:"))
        .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) * 1024)
        .findFirst();
  }

  /** Returns the processor's name; empty if the system does not tell. */
  static Optional<String> cpuName() {
    return cpuField("model name");
  }

  /** Returns which of the features that matter here the processor has; only Linux tells. */
  static List<String> cpuFeatures() {
    List<String> all =
        cpuField("flags")
            .or(() -> cpuField("Features"))
            .map(flags -> Arrays.asList(flags.split("\\s+", -1)))
            .orElse(List.of());
    return TELLING_FEATURES.stream().filter(all::contains).toList();
  }

  private static Optional<String> cpuField(String name) {
    return lines(CPUS).stream()
        .map(line -> line.split("\\s*:\\s*", 2))
        .filter(field -> field.length == 2 && field[0].equals(name))
        .map(field -> field[1])
        .findFirst();
  }

  private static List<String> lines(Path file) {
    try {
      return Files.readAllLines(file);
    } catch (IOException untold) {
      return List.of();
    }
  }
}
