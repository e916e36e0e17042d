package io.github.vlm4j.cli;

import io.github.vlm4j.models.LoadOptions;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The option of commands that write to try a quantisation. */
final class QuantizeOption {

  @Option(
      names = "--quantize",
      paramLabel = "TYPE",
      description =
          "Quantises the weights in memory when they are first read, for trying: q8_0, q4_0 or "
              + "q4_k_m. To keep it, see: vlm quantize.")
  QuantizeCommand.@Nullable Target to;

  LoadOptions on(LoadOptions options) {
    return to == null ? options : options.withQuantisation(to.scheme);
  }
}
