package io.github.vlm4j.core.checkpoint;

import io.github.vlm4j.core.tensor.DType;
import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The element types of the safetensors format, by their names in the file. Sizes are needed of all
 * of them to validate a file; those with a {@link DType} can be used.
 */
enum StoredType {
  BOOL(8, null),
  F4(4, null),
  F6_E2M3(6, null),
  F6_E3M2(6, null),
  U8(8, null),
  I8(8, DType.I8),
  F8_E5M2(8, null),
  F8_E4M3(8, null),
  F8_E5M2FNUZ(8, null),
  F8_E4M3FNUZ(8, null),
  F8_E8M0(8, null),
  I16(16, null),
  U16(16, null),
  F16(16, DType.F16),
  BF16(16, DType.BF16),
  I32(32, DType.I32),
  U32(32, null),
  F32(32, DType.F32),
  C64(64, null),
  F64(64, null),
  I64(64, DType.I64),
  U64(64, null);

  private final int bits;
  private final @Nullable DType dtype;

  StoredType(int bits, @Nullable DType dtype) {
    this.bits = bits;
    this.dtype = dtype;
  }

  static Optional<StoredType> named(String name) {
    return Arrays.stream(values()).filter(type -> type.name().equals(name)).findFirst();
  }

  static Optional<StoredType> of(DType dtype) {
    return Arrays.stream(values()).filter(type -> type.dtype == dtype).findFirst();
  }

  static String supportedNames() {
    return Arrays.stream(values())
        .filter(type -> type.dtype != null)
        .map(Enum::name)
        .collect(Collectors.joining(", "));
  }

  /** Returns the bits of one element. */
  int bits() {
    return bits;
  }

  Optional<DType> dtype() {
    return Optional.ofNullable(dtype);
  }
}
