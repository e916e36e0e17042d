package io.github.vlm4j.cli;

import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.models.LoadOptions;
import picocli.CommandLine.Option;

/** Options of every command that runs a decoder. */
final class CacheOptions {

  /** The types that keys and values can be kept in. */
  enum CacheType {
    F32(DType.F32),
    F16(DType.F16),
    BF16(DType.BF16),
    Q8_0(DType.Q8_0);

    final DType dtype;

    CacheType(DType dtype) {
      this.dtype = dtype;
    }
  }

  @Option(
      names = "--cache-type",
      paramLabel = "TYPE",
      defaultValue = "f32",
      description =
          "The type that keys and values of earlier tokens are kept in: f32, f16, bf16 or q8_0. "
              + "Smaller ones take less memory and time in long conversations, and round. "
              + "Default: ${DEFAULT-VALUE}.")
  CacheType type = CacheType.F32;

  /** Returns options with the type that was chosen. */
  LoadOptions over(LoadOptions options) {
    return options.withCacheType(type.dtype);
  }
}
