package io.github.vlm4j.cli;

import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.models.LoadOptions;
import org.jspecify.annotations.Nullable;
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
      description =
          "The type that keys and values of earlier tokens are kept in: f32, f16, bf16 or q8_0. "
              + "Smaller ones take less memory and time in long conversations, and round. "
              + "Default: f16, or f32 for a small model or one whose weights are f32.")
  @Nullable CacheType type;

  /** Returns the type that was chosen, or null if none was. */
  @Nullable DType dtype() {
    return type == null ? null : type.dtype;
  }

  /** Returns options with the type that was chosen, if one was. */
  LoadOptions over(LoadOptions options) {
    return type == null ? options : options.withCacheType(type.dtype);
  }
}
