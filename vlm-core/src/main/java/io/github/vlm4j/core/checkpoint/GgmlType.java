package io.github.vlm4j.core.checkpoint;

import io.github.vlm4j.core.tensor.DType;
import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The element types of GGUF files, by their numbers in the file ({@code enum ggml_type}). Sizes are
 * needed of all of them to validate a file; those with a {@link DType} can be used.
 */
enum GgmlType {
  F32(0, DType.F32),
  F16(1, DType.F16),
  Q4_0(2, DType.Q4_0),
  Q4_1(3, 32, 20),
  Q5_0(6, 32, 22),
  Q5_1(7, 32, 24),
  Q8_0(8, DType.Q8_0),
  Q8_1(9, 32, 36),
  Q2_K(10, 256, 84),
  Q3_K(11, 256, 110),
  Q4_K(12, DType.Q4_K),
  Q5_K(13, 256, 176),
  Q6_K(14, DType.Q6_K),
  Q8_K(15, 256, 292),
  IQ2_XXS(16, 256, 66),
  IQ2_XS(17, 256, 74),
  IQ3_XXS(18, 256, 98),
  IQ1_S(19, 256, 50),
  IQ4_NL(20, 32, 18),
  IQ3_S(21, 256, 110),
  IQ2_S(22, 256, 82),
  IQ4_XS(23, 256, 136),
  I8(24, DType.I8),
  I16(25, 1, 2),
  I32(26, DType.I32),
  I64(27, DType.I64),
  F64(28, 1, 8),
  IQ1_M(29, 256, 56),
  BF16(30, DType.BF16),
  TQ1_0(34, 256, 54),
  TQ2_0(35, 256, 66),
  MXFP4(39, 32, 17),
  NVFP4(40, 64, 36),
  Q1_0(41, 128, 18),
  Q2_0(42, 64, 18);

  private final int number;
  private final int blockElements;
  private final int blockBytes;
  private final @Nullable DType dtype;

  GgmlType(int number, DType dtype) {
    this(number, dtype.blockElements(), dtype.blockBytes(), dtype);
  }

  GgmlType(int number, int blockElements, int blockBytes) {
    this(number, blockElements, blockBytes, null);
  }

  GgmlType(int number, int blockElements, int blockBytes, @Nullable DType dtype) {
    this.number = number;
    this.blockElements = blockElements;
    this.blockBytes = blockBytes;
    this.dtype = dtype;
  }

  static Optional<GgmlType> numbered(long number) {
    return Arrays.stream(values()).filter(type -> type.number == number).findFirst();
  }

  static GgmlType of(DType dtype) {
    return Arrays.stream(values())
        .filter(type -> type.dtype == dtype)
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException("GGUF has no type for " + dtype));
  }

  static String supportedNames() {
    return Arrays.stream(values())
        .filter(type -> type.dtype != null)
        .map(Enum::name)
        .collect(Collectors.joining(", "));
  }

  /** Returns the number by which files call it. */
  int number() {
    return number;
  }

  /** Returns the number of elements that are stored together. */
  int blockElements() {
    return blockElements;
  }

  /** Returns the bytes of one block. */
  int blockBytes() {
    return blockBytes;
  }

  Optional<DType> dtype() {
    return Optional.ofNullable(dtype);
  }
}
