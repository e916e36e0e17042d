package io.github.vlm4j.backend.cpu.emitted;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.core.quant.BlockCodec;
import io.github.vlm4j.core.tensor.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Rows in bf16, held to the last bit of what the codecs decode, rounded. */
class BlockRowsTest {

  private static final short UNTOUCHED = 0x4a5b;
  private static final short NOT_A_NUMBER = 0x7fc0;

  /** Scales in f16 that blocks begin or end with. */
  private static final int[] SCALES = {
    0x0000, 0x8000, 0x0001, 0x8001, 0x03ff, 0x83ff, 0x0400, 0x3c00, 0xbc00, 0x2e66, 0x7bff, 0xfbff,
    0x7c00, 0xfc00, 0x7e00, 0xfe01, 0x7c01
  };

  private final SplittableRandom random = new SplittableRandom(23);
  private final BlockRowFunctions blockRows;

  BlockRowsTest() {
    assumeThat(System.getProperty("os.arch")).isIn("amd64", "x86_64");
    assumeThat(CpuFeatures.ask().bf16()).as("AVX-512 BF16").isTrue();
    blockRows = new BlockRowFunctions(Bf16BlockCode::new, Arena.ofAuto());
  }

  @ParameterizedTest
  @EnumSource
  void everyQuantisedTypeIsTaken(DType type) {
    assertThat(blockRows.takes(type)).isEqualTo(type.isQuantised());
  }

  @ParameterizedTest
  @EnumSource(names = {"Q8_0", "Q4_0", "Q4_K", "Q6_K"})
  void anyRowsAreThoseOfTheCodecRounded(DType type) {
    for (int rows = 1; rows <= 16; rows++) {
      Matrix w = matrix(type, rows + 3, 1 + rows % 5);
      assertRows(w, 2, rows, Short.BYTES * (w.columns() + rows % 3 * 32L));
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"Q8_0", "Q4_0", "Q4_K", "Q6_K"})
  void anyScaleDoesWhatItDoesToTheCodec(DType type) {
    Matrix w = matrix(type, SCALES.length, SCALES.length);
    for (int row = 0; row < SCALES.length; row++) {
      for (int block = 0; block < SCALES.length; block++) {
        long at = w.rowOffset(row) + (long) block * type.blockBytes();
        switch (type) {
          case Q4_K -> {
            setHalf(w, at, SCALES[row]);
            setHalf(w, at + 2, SCALES[block]);
          }
          case Q6_K -> setHalf(w, at + 208, SCALES[block]);
          default -> setHalf(w, at, SCALES[block]);
        }
        if (block == row) {
          w.data().asSlice(at + 4, type.blockBytes() - 6).fill((byte) row);
        }
      }
    }

    assertRows(w, 0, w.rows(), (long) Short.BYTES * w.columns());
  }

  /** Every pair of nibbles and every byte, at each place of a block. */
  @ParameterizedTest
  @EnumSource(names = {"Q8_0", "Q4_0", "Q4_K", "Q6_K"})
  void anyByteAtAnyPlaceIsDecoded(DType type) {
    Matrix w = matrix(type, 16, 16);
    long bytes = type.blockBytes();
    for (int value = 0; value < 256; value++) {
      long at = value * bytes;
      w.data().asSlice(at, bytes).fill((byte) value);
      setHalf(w, type == DType.Q6_K ? at + 208 : at, 0x2c37);
      if (type == DType.Q4_K) {
        setHalf(w, at + 2, 0x31f3);
      }
    }

    assertRows(w, 0, 16, (long) Short.BYTES * w.columns());
  }

  @ParameterizedTest
  @EnumSource(names = {"Q8_0", "Q4_0", "Q4_K", "Q6_K"})
  void weightsThatWereEncodedAreThoseOfTheCodecRounded(DType type) {
    int columns = 1024;
    float[] numbers = new float[7 * columns];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = (float) (0.03 * random.nextGaussian());
    }
    MemorySegment data = Arena.ofAuto().allocate(type.bytes(numbers.length), 1);
    BlockCodec.of(type).encode(numbers, 0, numbers.length / type.blockElements(), data, 0);

    assertRows(new Matrix(type, data, 7, columns), 0, 7, Short.BYTES * columns + 64L);
  }

  @ParameterizedTest
  @EnumSource(names = {"Q8_0", "Q4_0", "Q4_K", "Q6_K"})
  void moreRowsThanACallTakesAreDecoded(DType type) {
    Matrix w = matrix(type, 9, 80_000 / type.blockElements());

    assertRows(w, 1, 7, (long) Short.BYTES * w.columns() + 2);
  }

  @ParameterizedTest
  @EnumSource(names = {"Q8_0", "Q4_0", "Q4_K", "Q6_K"})
  void nothingIsTouchedBeyondTheRows(DType type) {
    SystemMemory system = SystemMemory.ofThisSystem();
    MemorySegment read = system.map(SystemMemory.PAGE);
    MemorySegment written = system.map(SystemMemory.PAGE);
    try {
      for (int blocks = 1; blocks <= 3; blocks++) {
        Matrix w = matrix(type, 5, blocks);
        long bytes = w.data().byteSize();
        long apart = (long) Short.BYTES * w.columns();
        MemorySegment expected = MemorySegment.ofArray(new byte[(int) (5 * apart)]);
        blockRows.decode(w, 0, 5, expected, apart);
        // A byte before the first and after the last lie pages that must not be touched.
        for (boolean end : new boolean[] {false, true}) {
          MemorySegment data = end ? atTheEnd(read, bytes) : read.asSlice(0, bytes);
          MemorySegment to = end ? atTheEnd(written, 5 * apart) : written.asSlice(0, 5 * apart);
          data.copyFrom(w.data());
          blockRows.decode(new Matrix(type, data, 5, w.columns()), 0, 5, to, apart);

          assertThat(to.mismatch(expected)).isEqualTo(-1);
        }
      }
    } finally {
      system.unmap(read);
      system.unmap(written);
    }
  }

  private static MemorySegment atTheEnd(MemorySegment pages, long bytes) {
    return pages.asSlice(pages.byteSize() - bytes);
  }

  @ParameterizedTest
  @EnumSource(names = {"Q8_0", "Q4_0", "Q4_K", "Q6_K"})
  void rowsThatAreNotThereOrHaveNoRoomAreRefused(DType type) {
    Matrix w = matrix(type, 4, 2);
    long apart = (long) Short.BYTES * w.columns();
    MemorySegment to = MemorySegment.ofArray(new byte[(int) (4 * apart)]);

    assertThatThrownBy(() -> blockRows.decode(w, 1, 4, to, apart))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> blockRows.decode(w, 0, 4, to, apart + 2))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThat(to.toArray(JAVA_BYTE)).containsOnly(0);
  }

  /** Decodes rows into an array and into native memory, and checks all that lies around them. */
  private void assertRows(Matrix w, int row, int rows, long apart) {
    int around = 40;
    int length = (int) ((rows - 1) * apart / Short.BYTES) + w.columns() + 2 * around;
    short[] expected = new short[length];
    Arrays.fill(expected, UNTOUCHED);
    float[] decoded = new float[w.columns()];
    BlockCodec codec = BlockCodec.of(w.dtype());
    int blocks = w.columns() / w.dtype().blockElements();
    for (int i = 0; i < rows; i++) {
      codec.decode(w.data(), w.rowOffset(row + i), blocks, decoded, 0);
      for (int j = 0; j < decoded.length; j++) {
        expected[around + (int) (i * apart / Short.BYTES) + j] = rounded(decoded[j]);
      }
    }
    MemorySegment array = MemorySegment.ofArray(new byte[Short.BYTES * length]);
    MemorySegment unaligned = Arena.ofAuto().allocate(Short.BYTES * length + 1L).asSlice(1);
    MemorySegment heap = MemorySegment.ofArray(w.data().toArray(JAVA_BYTE));
    for (MemorySegment to : new MemorySegment[] {array, unaligned}) {
      for (MemorySegment data : new MemorySegment[] {w.data(), heap}) {
        for (int i = 0; i < length; i++) {
          to.set(JAVA_SHORT_UNALIGNED, (long) Short.BYTES * i, UNTOUCHED);
        }
        Matrix lying = new Matrix(w.dtype(), data, w.rows(), w.columns());
        blockRows.decode(lying, row, rows, to.asSlice(Short.BYTES * around), apart);

        short[] actual = to.toArray(JAVA_SHORT_UNALIGNED);
        for (int i = 0; i < length; i++) {
          actual[i] = isNaN(actual[i]) ? NOT_A_NUMBER : actual[i];
        }
        assertThat(actual).isEqualTo(expected);
      }
    }
  }

  /** To the nearest, ties to even, subnormal numbers to 0; which NaN it is does not matter. */
  private static short rounded(float value) {
    if (Float.isNaN(value)) {
      return NOT_A_NUMBER;
    }
    int bits = Float.floatToRawIntBits(Math.abs(value) < Float.MIN_NORMAL ? 0 * value : value);
    return (short) (bits + 0x7fff + (bits >>> 16 & 1) >>> 16);
  }

  private static boolean isNaN(short bits) {
    return (bits & 0x7fff) > 0x7f80;
  }

  /** Blocks of any bytes at all, after a byte that makes their addresses odd. */
  private Matrix matrix(DType type, int rows, int blocks) {
    byte[] bytes = new byte[rows * blocks * type.blockBytes()];
    random.nextBytes(bytes);
    MemorySegment data = Arena.ofAuto().allocate(bytes.length + 1L).asSlice(1);
    data.copyFrom(MemorySegment.ofArray(bytes));
    return new Matrix(type, data, rows, blocks * type.blockElements());
  }

  private static void setHalf(Matrix w, long at, int bits) {
    w.data().set(JAVA_SHORT_UNALIGNED, at, (short) bits);
  }
}
