package io.github.vlm4j.text.tokenizer;

import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import ai.djl.util.Utils;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Properties;

/**
 * The shared library where DJL has unpacked it before. DJL itself looks for GPUs, by a process of
 * its own, each time before it looks there.
 */
final class UnpackedLibrary {

  private static final String VERSION_FILE = "native/lib/tokenizers.properties";

  private UnpackedLibrary() {}

  /**
   * Loads it, if this module may load native code without a warning.
   *
   * @return whether it was there; then DJL has nothing left to do
   */
  @SuppressWarnings("restricted") // the flag for native access is looked at first
  static boolean load() {
    if (!UnpackedLibrary.class.getModule().isNativeAccessEnabled()
        || Utils.getEnvOrSystemProperty("RUST_LIBRARY_PATH") != null) {
      return false;
    }
    Optional<Path> file = platform().flatMap(UnpackedLibrary::file).filter(Files::isRegularFile);
    try {
      file.ifPresent(path -> System.load(path.toString()));
      return file.isPresent();
    } catch (UnsatisfiedLinkError damaged) {
      return false;
    }
  }

  private static Optional<Path> file(String platform) {
    return version()
        .map(version ->
            Utils.getEngineCacheDir("tokenizers")
                .resolve(version + "-cpu-" + platform)
                .resolve(System.mapLibraryName("tokenizers"))
                .toAbsolutePath());
  }

  /** Returns DJL's name of this platform; nothing on Windows, where there are several libraries. */
  private static Optional<String> platform() {
    String system = System.getProperty("os.name", "");
    String processor = System.getProperty("os.arch", "").replace("amd64", "x86_64");
    return system.startsWith("Linux")
        ? Optional.of("linux-" + processor)
        : system.startsWith("Mac") ? Optional.of("osx-" + processor) : Optional.empty();
  }

  private static Optional<String> version() {
    ClassLoader loader = TokenizersLibrary.class.getClassLoader();
    try (InputStream in = loader.getResourceAsStream(VERSION_FILE)) {
      Properties properties = new Properties();
      if (in != null) {
        properties.load(in);
      }
      return Optional.ofNullable(properties.getProperty("version"));
    } catch (IOException unreadable) {
      return Optional.empty();
    }
  }
}
