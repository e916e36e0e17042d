package io.github.vlm4j.backend.cpu.emitted;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.core.quant.BlockCodec;
import io.github.vlm4j.core.tensor.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Groups of bytes with a scale, held to what the codecs decode. */
class ByteBlocksTest {

  private static final int GROUP = 32;
  private static final int RECORD = Int8Code.INPUT_BYTES;
  private static final byte UNTOUCHED = 0x5b;

  private final SplittableRandom random = new SplittableRandom(29);
  private final BlockRowFunctions blockRows;

  ByteBlocksTest() {
    assumeThat(System.getProperty("os.arch")).isIn("amd64", "x86_64");
    assumeThat(CpuFeatures.ask().vnni()).as("AVX-512 VNNI").isTrue();
    blockRows = new BlockRowFunctions(ByteBlockCode::new, Arena.ofAuto());
  }

  @ParameterizedTest
  @EnumSource(names = {"Q8_0", "Q4_0"})
  void numbersWithOneScaleAreKept(DType type) {
    for (int rows = 1; rows <= 16; rows++) {
      Matrix w = matrix(type, rows + 3, 1 + rows % 5);
      assertThat(bytesTimesScales(w, 2, rows)).isEqualTo(decoded(w, 2, rows));
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"Q4_K", "Q6_K"})
  void othersAreOffByHalfAStepOfThatManyAtMost(DType type) {
    for (int rows = 1; rows <= 16; rows++) {
      Matrix w = matrix(type, rows + 3, 1 + rows % 5);
      float[] actual = bytesTimesScales(w, 2, rows);
      float[] expected = decoded(w, 2, rows);
      MemorySegment records = records(w, 2, rows);
      for (int i = 0; i < expected.length; i++) {
        float scale = scale(records, i / GROUP);
        assertThat(actual[i]).as("weight %d", i).isCloseTo(expected[i], within(0.5001f * scale));
      }
    }
  }

  /** A group of which one number is as far from nothing as its scales allow uses all steps. */
  @ParameterizedTest
  @EnumSource(names = {"Q4_K", "Q6_K"})
  void theGreatestNumberOfAGroupIsTheGreatestByte(DType type) {
    float[] numbers = new float[2048];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = (float) (0.03 * random.nextGaussian());
    }
    MemorySegment data = Arena.ofAuto().allocate(type.bytes(numbers.length), 1);
    BlockCodec.of(type).encode(numbers, 0, numbers.length / type.blockElements(), data, 0);
    Matrix w = new Matrix(type, data, 1, numbers.length);

    byte[] bytes = records(w, 0, 1).toArray(JAVA_BYTE);

    int usingMost = 0;
    for (int group = 0; group < numbers.length / GROUP; group++) {
      int greatest = 0;
      for (int i = 0; i < GROUP; i++) {
        greatest = Math.max(greatest, Math.abs(bytes[RECORD * group + i]));
      }
      assertThat(greatest).isBetween(64, 127);
      usingMost += greatest >= 118 ? 1 : 0;
    }
    assertThat(usingMost).isGreaterThan(numbers.length / GROUP / 2);
  }

  @ParameterizedTest
  @CsvSource({"Q8_0, 0x7c00", "Q4_0, 0xfc00", "Q4_K, 0x7c00", "Q4_K, 0x7e00", "Q6_K, 0x7e01"})
  void aScaleThatIsNotFiniteStaysSo(DType type, String half) {
    Matrix w = matrix(type, 1, 3);
    long at = type.blockBytes() + (type == DType.Q6_K ? 208L : 0);
    w.data().set(JAVA_SHORT_UNALIGNED, at, Integer.decode(half).shortValue());

    MemorySegment records = records(w, 0, 1);

    int groups = type.blockElements() / GROUP;
    for (int group = 0; group < 3 * groups; group++) {
      assertThat(Float.isFinite(scale(records, group))).isEqualTo(group / groups != 1);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"Q8_0", "Q4_0", "Q4_K", "Q6_K"})
  void blocksOfZerosAreZeros(DType type) {
    Matrix w = matrix(type, 2, 2);
    w.data().fill((byte) 0);

    for (float number : bytesTimesScales(w, 0, 2)) {
      assertThat(number).isZero();
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"Q8_0", "Q4_0", "Q4_K", "Q6_K"})
  void nothingIsTouchedBesideTheNumbersAndTheScale(DType type) {
    Matrix w = matrix(type, 4, 2);
    int groups = w.columns() / GROUP;
    long apart = (long) RECORD * groups + 24;
    MemorySegment to = Arena.ofAuto().allocate(4 * apart + 2L * RECORD + 1).asSlice(1);
    to.fill(UNTOUCHED);

    blockRows.decode(w, 0, 4, to.asSlice(RECORD, 4 * apart), apart);

    for (long i = 0; i < to.byteSize(); i++) {
      long inRow = (i - RECORD) % apart;
      boolean written =
          i >= RECORD && i < RECORD + 4 * apart && inRow < RECORD * groups && inRow % RECORD < 36;
      if (!written) {
        assertThat(to.get(JAVA_BYTE, i)).as("byte %d", i).isEqualTo(UNTOUCHED);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"Q8_0", "Q4_0", "Q4_K", "Q6_K"})
  void nothingIsReadBeyondTheRows(DType type) {
    SystemMemory system = SystemMemory.ofThisSystem();
    MemorySegment pages = system.map(SystemMemory.PAGE);
    try {
      Matrix w = matrix(type, 3, 2);
      byte[] expected = records(w, 0, 3).toArray(JAVA_BYTE);
      long bytes = w.data().byteSize();
      for (long at : new long[] {0, pages.byteSize() - bytes}) {
        MemorySegment data = pages.asSlice(at, bytes);
        data.copyFrom(w.data());

        byte[] actual = records(new Matrix(type, data, 3, w.columns()), 0, 3).toArray(JAVA_BYTE);

        assertThat(actual).isEqualTo(expected);
      }
    } finally {
      system.unmap(pages);
    }
  }

  private MemorySegment records(Matrix w, int row, int rows) {
    long apart = (long) RECORD * (w.columns() / GROUP);
    MemorySegment to = Arena.ofAuto().allocate(rows * apart);
    blockRows.decode(w, row, rows, to, apart);
    return to;
  }

  private static float scale(MemorySegment records, int group) {
    return records.get(JAVA_FLOAT_UNALIGNED, (long) RECORD * group + GROUP);
  }

  private float[] bytesTimesScales(Matrix w, int row, int rows) {
    MemorySegment records = records(w, row, rows);
    float[] x = new float[rows * w.columns()];
    for (int i = 0; i < x.length; i++) {
      byte number = records.get(JAVA_BYTE, (long) RECORD * (i / GROUP) + i % GROUP);
      x[i] = number * scale(records, i / GROUP);
    }
    return x;
  }

  private static float[] decoded(Matrix w, int row, int rows) {
    float[] x = new float[rows * w.columns()];
    int blocks = x.length / w.dtype().blockElements();
    BlockCodec.of(w.dtype()).decode(w.data(), w.rowOffset(row), blocks, x, 0);
    return x;
  }

  /** Blocks of any bytes, whose scales are finite. */
  private Matrix matrix(DType type, int rows, int blocks) {
    byte[] bytes = new byte[rows * blocks * type.blockBytes()];
    random.nextBytes(bytes);
    MemorySegment data = Arena.ofAuto().allocate(bytes.length + 1L).asSlice(1);
    data.copyFrom(MemorySegment.ofArray(bytes));
    for (int block = 0; block < rows * blocks; block++) {
      long at = (long) block * type.blockBytes();
      int half = random.nextInt(0x2000, 0x3c00);
      short either = (short) (random.nextBoolean() ? half : half | 0x8000);
      data.set(JAVA_SHORT_UNALIGNED, type == DType.Q6_K ? at + 208 : at, either);
      if (type == DType.Q4_K) {
        data.set(JAVA_SHORT_UNALIGNED, at + 2, (short) random.nextInt(0x2000, 0x3c00));
      }
    }
    return new Matrix(type, data, rows, blocks * type.blockElements());
  }
}
