package io.github.vlm4j.backend.cpu.emitted;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.github.vlm4j.backend.cpu.kernel.Kernels;
import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.backend.cpu.kernel.RoundedLoops;
import io.github.vlm4j.backend.cpu.kernel.Runs;
import io.github.vlm4j.core.tensor.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Products of inputs rounded to the nearest bf16 (ties to even, subnormal numbers to 0) with
 * weights in bf16; every product is exact and sums are f32. Quantised weights are rounded to bf16
 * likewise, once for all inputs. A panel of weights is a row of f32 for the bias, then the panel
 * that {@link Bf16Code} describes. The order in which products are summed depends on the shapes
 * alone.
 */
final class Bf16Loops implements RoundedLoops {

  private static final int WIDTH = Bf16Code.WIDTH;
  private static final int LANES = Bf16Code.LANES;

  /** The inputs whose weights are one block when they are laid out: two for each lane. */
  private static final int BLOCK = 2 * LANES;

  /** The pairs of a sum that are added before the next tile's turn: a panel fits a second cache. */
  private static final int DEPTH = 1024;

  /** Rows of one call, which ends before anybody who waits for garbage collection would notice. */
  private static final int CALL_ROWS = 32 * Bf16Code.ROWS;

  /** Numbers between rows, so that the rows of a tile do not all meet in one set of a cache. */
  private static final int GAP = BLOCK;

  private final Kernels decoder;
  private final MethodHandle[] multiply = new MethodHandle[Bf16Code.VECTORS];
  private final MethodHandle round;
  private final MethodHandle pack;

  /**
   * Makes the code.
   *
   * @param decoder what decodes quantised weights
   * @param arena how long it lives
   * @throws ExecutableMemory.Refused if the system does not allow that
   */
  Bf16Loops(Kernels decoder, Arena arena) {
    this.decoder = decoder;
    Assembler assembler = new Assembler();
    Bf16Code code = new Bf16Code(assembler, CallingConvention.ofThisSystem());
    int[] multiplyAt = new int[multiply.length];
    Arrays.setAll(multiplyAt, i -> code.multiply(i + 1));
    int roundAt = code.round();
    int packAt = code.pack();
    ExecutableMemory memory = ExecutableMemory.of(assembler.code(), arena);
    var multiplies =
        FunctionDescriptor.ofVoid(
            ADDRESS, ADDRESS, ADDRESS, ADDRESS, JAVA_LONG, ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_LONG,
            JAVA_LONG);
    Arrays.setAll(multiply, i -> memory.function(multiplyAt[i], multiplies));
    round =
        memory.function(
            roundAt,
            FunctionDescriptor.ofVoid(
                ADDRESS, JAVA_LONG, ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG));
    pack =
        memory.function(
            packAt, FunctionDescriptor.ofVoid(ADDRESS, JAVA_LONG, ADDRESS, JAVA_LONG, JAVA_LONG));
  }

  @Override
  public boolean takes(DType weights) {
    return weights == DType.BF16 || weights.isQuantised();
  }

  @Override
  public Runs roundedRuns(int rows, int columns) {
    int apart = apart(columns);
    int[] starts = new int[rows];
    Arrays.setAll(starts, row -> row * apart);
    return new Runs(starts, rows, 1, columns, 0);
  }

  @Override
  public int roundedFloats(int rows, int columns) {
    return Math.multiplyExact(rows, apart(columns) / 2);
  }

  /** Returns the numbers from one rounded row to the next. */
  private static int apart(int columns) {
    return wholeBlocks(columns) + GAP;
  }

  private static int wholeBlocks(int columns) {
    return Math.ceilDiv(columns, BLOCK) * BLOCK;
  }

  @Override
  public void roundInputs(
      float[] x, int xAt, int columns, int fromRow, int toRow, float[] rounded) {
    MemorySegment to =
        MemorySegment.ofArray(rounded).asSlice((long) Short.BYTES * fromRow * apart(columns));
    round(x, xAt + fromRow * columns, columns, toRow - fromRow, to);
  }

  private void round(float[] x, int xAt, int columns, int rows, MemorySegment to) {
    long vectors = Math.ceilDiv(columns, LANES);
    MemorySegment from = MemorySegment.ofArray(x).asSlice((long) Float.BYTES * xAt);
    try {
      round.invokeExact(
          from,
          (long) columns * Float.BYTES,
          to,
          (long) apart(columns) * Short.BYTES,
          vectors,
          ones(columns - LANES * (vectors - 1)),
          (long) rows);
    } catch (Throwable e) {
      throw failed(e);
    }
  }

  @Override
  public int runTile() {
    return Bf16Code.ROWS;
  }

  @Override
  public int weightTile() {
    return WIDTH;
  }

  @Override
  public int packedWeightFloats(int outputs, int k) {
    int staging = LANES * wholeBlocks(k) / 2 + wholeBlocks(k);
    return Math.addExact(stagingAt(outputs, k), staging);
  }

  /** Rows on their way into a panel lie behind all panels and what their last blocks may touch. */
  private static int stagingAt(int outputs, int k) {
    int panels = Math.ceilDiv(outputs, WIDTH);
    return Math.addExact(Math.multiplyExact(panels, panelFloats(k)), LANES * WIDTH);
  }

  private static int panelFloats(int k) {
    return Math.multiplyExact(1 + Math.ceilDiv(k, 2), WIDTH);
  }

  @Override
  public int runScratch() {
    return 0;
  }

  @Override
  public void packWeights(
      Matrix w,
      float @Nullable [] bias,
      int fromRow,
      int toRow,
      float[] packed,
      int packedAt,
      float[] scratch) {
    int staging = packedAt + stagingAt(toRow - fromRow, w.columns());
    int panel = packedAt;
    for (int row = fromRow; row < toRow; row += WIDTH) {
      int outputs = Math.min(WIDTH, toRow - row);
      Arrays.fill(packed, panel, panel + WIDTH, 0);
      if (bias != null) {
        System.arraycopy(bias, row, packed, panel, outputs);
      }
      for (int i = 0; i < outputs; i += LANES) {
        packLanes(w, row + i, Math.min(LANES, outputs - i), packed, panel + WIDTH + i, staging);
      }
      panel += panelFloats(w.columns());
    }
  }

  /** Lays the weights of some outputs out, at most as many as a vector has lanes. */
  private void packLanes(Matrix w, int row, int rows, float[] packed, int packedAt, int stagingAt) {
    int columns = w.columns();
    long rowBytes = w.dtype().bytes(columns);
    MemorySegment to = MemorySegment.ofArray(packed).asSlice((long) Float.BYTES * packedAt);
    if (w.dtype() == DType.BF16 && rows == LANES) {
      pack(w.data().asSlice(w.rowOffset(row), rows * rowBytes), rowBytes, columns, to);
      return;
    }
    // Rows after the matrix's end must not be read; what would be there is not stored later on.
    MemorySegment staging = MemorySegment.ofArray(packed).asSlice((long) Float.BYTES * stagingAt);
    long apart = (long) Short.BYTES * wholeBlocks(columns);
    for (int i = 0; i < rows; i++) {
      MemorySegment copy = staging.asSlice(i * apart);
      if (w.dtype() == DType.BF16) {
        MemorySegment.copy(w.data(), w.rowOffset(row + i), copy, 0, rowBytes);
      } else {
        int decodedAt = stagingAt + LANES * wholeBlocks(columns) / 2;
        decoder.decodeRow(w, row + i, packed, decodedAt);
        round(packed, decodedAt, columns, 1, copy);
      }
    }
    pack(staging, apart, columns, to);
  }

  private void pack(MemorySegment from, long apart, int columns, MemorySegment to) {
    long blocks = Math.ceilDiv(columns, BLOCK);
    try {
      pack.invokeExact(from, apart, to, blocks, ones(columns - BLOCK * (blocks - 1)));
    } catch (Throwable e) {
      throw failed(e);
    }
  }

  @Override
  public void multiplyRuns(
      float[] x,
      int xAt,
      Runs inputs,
      int fromInput,
      int toInput,
      float[] packed,
      int packedAt,
      int fromRow,
      int toRow,
      float[] y,
      int yAt,
      int outputs,
      float[] scratch) {
    int panel = packedAt;
    for (int row = fromRow; row < toRow; row += WIDTH) {
      int used = Math.min(WIDTH, toRow - row);
      for (int input = fromInput; input < toInput; input += CALL_ROWS) {
        int rows = Math.min(CALL_ROWS, toInput - input);
        multiply(
            x,
            xAt,
            inputs,
            input,
            rows,
            packed,
            panel,
            used,
            y,
            yAt + input * outputs + row,
            outputs);
      }
      panel += panelFloats(inputs.size());
    }
  }

  /** Computes the sums of some inputs and one panel of weights. */
  private void multiply(
      float[] x,
      int xAt,
      Runs inputs,
      int input,
      int rows,
      float[] packed,
      int panel,
      int used,
      float[] y,
      int at,
      int apart) {
    int vectors = Math.ceilDiv(used, LANES);
    MethodHandle function = multiply[vectors - 1];
    long lanes = ones(used - LANES * (vectors - 1));
    MemorySegment starts = MemorySegment.ofArray(inputs.starts()).asSlice(4L * input);
    MemorySegment xs = MemorySegment.ofArray(x);
    MemorySegment weights = MemorySegment.ofArray(packed);
    MemorySegment sums = MemorySegment.ofArray(y).asSlice(4L * at);
    MemorySegment first = weights.asSlice(4L * panel);
    long firstApart = 0;
    long pairs = Math.ceilDiv(inputs.size(), 2);
    try {
      for (long p = 0; p < pairs; p += DEPTH) {
        function.invokeExact(
            xs.asSlice(4L * (xAt + p)),
            starts,
            weights.asSlice(4L * (panel + WIDTH * (p + 1))),
            first,
            firstApart,
            sums,
            4L * apart,
            Math.min(DEPTH, pairs - p),
            (long) rows,
            lanes);
        first = sums;
        firstApart = 4L * apart;
      }
    } catch (Throwable e) {
      throw failed(e);
    }
  }

  /** Returns a mask of some lanes, at most 32. */
  private static long ones(long lanes) {
    return (1L << lanes) - 1;
  }

  private static RuntimeException failed(Throwable e) {
    return e instanceof RuntimeException known ? known : new IllegalStateException(e);
  }
}
