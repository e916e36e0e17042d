package io.github.vlm4j.backend.cpu;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;

/**
 * The number of cores: two threads of one core share its arithmetic units and gain nothing here.
 */
final class Cores {

  private static final Path LINUX_TOPOLOGY = Path.of("/sys/devices/system/cpu");

  private Cores() {}

  /**
   * Returns the number of cores that this process may use, counting those with several hardware
   * threads once where the system tells. Limits of a container or an affinity mask hold.
   */
  static int physical() {
    return physical(LINUX_TOPOLOGY, Runtime.getRuntime().availableProcessors());
  }

  /**
   * Returns the number of cores.
   *
   * @param topology Linux's folder of {@code cpu0}, {@code cpu1}, ..; need not exist
   * @param available the number of hardware threads that this process may use
   */
  static int physical(Path topology, int available) {
    Set<String> cores = new HashSet<>();
    try (DirectoryStream<Path> processors = Files.newDirectoryStream(topology, "cpu[0-9]*")) {
      for (Path processor : processors) {
        Path siblings = processor.resolve("topology/thread_siblings_list");
        if (Files.isReadable(siblings)) {
          cores.add(Files.readString(siblings).strip());
        }
      }
    } catch (IOException | UncheckedIOException | java.nio.file.DirectoryIteratorException e) {
      return available;
    }
    return cores.isEmpty() ? available : Math.min(available, cores.size());
  }
}
