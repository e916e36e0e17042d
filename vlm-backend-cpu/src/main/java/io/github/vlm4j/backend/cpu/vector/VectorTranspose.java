package io.github.vlm4j.backend.cpu.vector;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * Rows become columns, a block of four by four in registers at a time: exchanging the off-diagonal
 * elements of each two by two, then the off-diagonal quarters (Eklundh, "A Fast Computer Method for
 * Matrix Transposing", 1972).
 *
 * <p>Vectors are of 128 bits whatever the processor has, because moving numbers between the halves
 * of wider ones is slow. Measured on Zen 3: 0.2 ns an element, blocks of eight by eight 0.25 ns, a
 * scalar loop 1 ns.
 */
final class VectorTranspose {

  private static final VectorSpecies<Float> F = FloatVector.SPECIES_128;
  private static final int SIDE = F.length();

  /** Columns whose numbers stay in a first cache while all rows pass. */
  private static final int CACHED_COLUMNS = 256;

  /** The bits of an int that are the second of two numbers in bf16. */
  private static final int UPPER_HALF = 0xffff0000;

  private static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;

  private static final VectorShuffle<Float> ONE_APART = VectorShuffle.fromOp(F, lane -> lane ^ 1);
  private static final VectorShuffle<Float> TWO_APART = VectorShuffle.fromOp(F, lane -> lane ^ 2);
  private static final VectorMask<Float> ODD = VectorMask.fromLong(F, 0b1010);
  private static final VectorMask<Float> UPPER = VectorMask.fromLong(F, 0b1100);

  private VectorTranspose() {}

  /**
   * Writes {@code y[yAt + j·yStep + i] = x[xAt + i·xStep + j]} for i below {@code rows} and j below
   * {@code columns}.
   */
  static void transpose(
      float[] x, int xAt, int xStep, int rows, int columns, float[] y, int yAt, int yStep) {
    int wholeRows = rows - rows % SIDE;
    int wholeColumns = columns - columns % SIDE;
    for (int i = 0; i < wholeRows; i += SIDE) {
      for (int j = 0; j < wholeColumns; j += SIDE) {
        block(x, xAt + i * xStep + j, xStep, y, yAt + j * yStep + i, yStep);
      }
    }
    edges(x, xAt, xStep, wholeRows, rows, 0, columns, y, yAt, yStep);
    edges(x, xAt, xStep, 0, wholeRows, wholeColumns, columns, y, yAt, yStep);
  }

  private static void edges(
      float[] x,
      int xAt,
      int xStep,
      int fromRow,
      int toRow,
      int fromColumn,
      int toColumn,
      float[] y,
      int yAt,
      int yStep) {
    for (int i = fromRow; i < toRow; i++) {
      for (int j = fromColumn; j < toColumn; j++) {
        y[yAt + j * yStep + i] = x[xAt + i * xStep + j];
      }
    }
  }

  /** What rows give each other stands in one vector, so that it is moved once for both. */
  private static void block(float[] x, int xAt, int xStep, float[] y, int yAt, int yStep) {
    FloatVector a0 = FloatVector.fromArray(F, x, xAt);
    FloatVector a1 = FloatVector.fromArray(F, x, xAt + xStep);
    FloatVector a2 = FloatVector.fromArray(F, x, xAt + 2 * xStep);
    FloatVector a3 = FloatVector.fromArray(F, x, xAt + 3 * xStep);
    FloatVector t0 = a1.blend(a0, ODD).rearrange(ONE_APART);
    FloatVector t1 = a3.blend(a2, ODD).rearrange(ONE_APART);
    FloatVector b0 = a0.blend(t0, ODD);
    FloatVector b1 = t0.blend(a1, ODD);
    FloatVector b2 = a2.blend(t1, ODD);
    FloatVector b3 = t1.blend(a3, ODD);
    FloatVector t2 = b2.blend(b0, UPPER).rearrange(TWO_APART);
    FloatVector t3 = b3.blend(b1, UPPER).rearrange(TWO_APART);
    b0.blend(t2, UPPER).intoArray(y, yAt);
    b1.blend(t3, UPPER).intoArray(y, yAt + yStep);
    t2.blend(b2, UPPER).intoArray(y, yAt + 2 * yStep);
    t3.blend(b3, UPPER).intoArray(y, yAt + 3 * yStep);
  }

  /**
   * Writes {@code y[yAt + j·yStep + i] = x[i, j]} for rows of bf16, little-endian, that begin at a
   * byte offset: two columns are an int of four bytes, so that one move does for both.
   *
   * @param rows a multiple of 4
   * @param columns a multiple of 8
   */
  static void transposeBf16(
      MemorySegment x,
      long at,
      long rowBytes,
      int rows,
      int columns,
      float[] y,
      int yAt,
      int yStep) {
    for (int from = 0; from < columns; from += CACHED_COLUMNS) {
      int to = Math.min(columns, from + CACHED_COLUMNS);
      for (int i = 0; i < rows; i += SIDE) {
        long row = at + i * rowBytes;
        for (int j = from; j < to; j += 2 * SIDE) {
          bf16Block(x, row + (long) Short.BYTES * j, rowBytes, y, yAt + j * yStep + i, yStep);
        }
      }
    }
  }

  private static void bf16Block(
      MemorySegment x, long at, long rowBytes, float[] y, int yAt, int yStep) {
    FloatVector a0 = FloatVector.fromMemorySegment(F, x, at, ORDER);
    FloatVector a1 = FloatVector.fromMemorySegment(F, x, at + rowBytes, ORDER);
    FloatVector a2 = FloatVector.fromMemorySegment(F, x, at + 2 * rowBytes, ORDER);
    FloatVector a3 = FloatVector.fromMemorySegment(F, x, at + 3 * rowBytes, ORDER);
    FloatVector t0 = a1.blend(a0, ODD).rearrange(ONE_APART);
    FloatVector t1 = a3.blend(a2, ODD).rearrange(ONE_APART);
    FloatVector b0 = a0.blend(t0, ODD);
    FloatVector b1 = t0.blend(a1, ODD);
    FloatVector b2 = a2.blend(t1, ODD);
    FloatVector b3 = t1.blend(a3, ODD);
    FloatVector t2 = b2.blend(b0, UPPER).rearrange(TWO_APART);
    FloatVector t3 = b3.blend(b1, UPPER).rearrange(TWO_APART);
    IntVector c0 = b0.blend(t2, UPPER).reinterpretAsInts();
    IntVector c1 = b1.blend(t3, UPPER).reinterpretAsInts();
    IntVector c2 = t2.blend(b2, UPPER).reinterpretAsInts();
    IntVector c3 = t3.blend(b3, UPPER).reinterpretAsInts();
    c0.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().intoArray(y, yAt);
    c0.and(UPPER_HALF).reinterpretAsFloats().intoArray(y, yAt + yStep);
    c1.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().intoArray(y, yAt + 2 * yStep);
    c1.and(UPPER_HALF).reinterpretAsFloats().intoArray(y, yAt + 3 * yStep);
    c2.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().intoArray(y, yAt + 4 * yStep);
    c2.and(UPPER_HALF).reinterpretAsFloats().intoArray(y, yAt + 5 * yStep);
    c3.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().intoArray(y, yAt + 6 * yStep);
    c3.and(UPPER_HALF).reinterpretAsFloats().intoArray(y, yAt + 7 * yStep);
  }
}
