package io.github.vlm4j.backend.cpu.emitted;

import io.github.vlm4j.backend.cpu.kernel.Kernels;
import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.backend.cpu.kernel.RunLoops;
import io.github.vlm4j.backend.cpu.kernel.Runs;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Products of many inputs in f32, with weights that other kernels lay out. Their sums are the same
 * to the last bit, as products are added in the same order. With the tile for AVX2, compiled Java
 * was measured at half to nine tenths of the peak, by what others left of the core, as it finds
 * inputs where they lie by more instructions; this at nine tenths once shapes are large. With
 * AVX-512 both multiply at the peak or nearly, and what this spares is time that weights take to be
 * laid out.
 *
 * <p>A slice of the inputs of a block ({@link #BLOCK} × {@link #DEPTH}) stays in the second cache
 * while all panels of weights pass, and a slice of a panel in the first while the rows of the block
 * pass.
 */
final class FloatLoops implements RunLoops {

  /** The products of a sum that are added before the next tile's turn. */
  private static final int DEPTH = 512;

  /** Fewer inputs in f32 are multiplied sooner one by one. */
  private static final int LEAST_INPUTS = 9;

  /**
   * The weights of a row that are laid out before the next row's turn: a page, as far as processors
   * read ahead. Shorter parts stay in the first cache, but were measured at two thirds of the speed
   * to nine tenths.
   */
  private static final int PACKED = 1024;

  /** Rows of one call, which ends before anybody who waits for garbage collection would notice. */
  private static final int BLOCK = 8 * FloatCode.ROWS;

  private final Kernels kernels;
  private final int lanes;
  private final int width;
  private final FloatTranspose transpose;
  private final MethodHandle[] multiply;
  private final MethodHandle[] multiplyWhole;

  /**
   * Makes the code.
   *
   * @param tile as wide as the panels of the kernels
   * @param kernels what lays weights out
   * @param arena how long the code lives
   * @throws ExecutableMemory.Refused if the system does not allow that
   */
  FloatLoops(FloatTile tile, Kernels kernels, Arena arena) {
    this.kernels = kernels;
    this.lanes = tile.lanes();
    this.width = tile.width();
    this.multiply = new MethodHandle[tile.vectors()];
    this.multiplyWhole = new MethodHandle[tile.vectors()];
    this.transpose = new FloatTranspose(arena);
    Assembler assembler = new Assembler();
    FloatCode code = new FloatCode(assembler, CallingConvention.ofThisSystem(), tile);
    int[] at = new int[multiply.length];
    int[] wholeAt = new int[multiply.length];
    Arrays.setAll(at, i -> code.multiply(i + 1));
    Arrays.setAll(wholeAt, i -> code.multiplyWhole(i + 1));
    ExecutableMemory memory = ExecutableMemory.of(assembler.code(), arena);
    FunctionDescriptor descriptor = Calls.arguments("aaaalallll");
    Arrays.setAll(multiply, i -> memory.function(at[i], descriptor));
    Arrays.setAll(multiplyWhole, i -> memory.function(wholeAt[i], descriptor));
  }

  @Override
  public int leastInputs(DType weights) {
    return weights == DType.F32 ? LEAST_INPUTS : kernels.leastInputs(weights);
  }

  @Override
  public int runTile() {
    return FloatCode.ROWS;
  }

  @Override
  public int packedWeightFloats(int outputs, int k) {
    return kernels.packedWeightFloats(outputs, k);
  }

  @Override
  public int weightTile() {
    return width;
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
    int k = w.columns();
    boolean emitted = w.dtype() == DType.F32 || w.dtype() == DType.BF16;
    int wholeRows = emitted ? (toRow - fromRow) / width * width : 0;
    int at = packedAt;
    for (int row = fromRow; row < fromRow + wholeRows; row += width) {
      packPanel(w, bias, row, packed, at);
      at += (k + 1) * width;
    }
    if (fromRow + wholeRows < toRow) {
      kernels.packWeights(w, bias, fromRow + wholeRows, toRow, packed, at, scratch);
    }
  }

  /** Lays the weights of a whole panel out, a part of each row at a time. */
  private void packPanel(Matrix w, float @Nullable [] bias, int row, float[] packed, int packedAt) {
    int k = w.columns();
    if (bias == null) {
      Arrays.fill(packed, packedAt, packedAt + width, 0);
    } else {
      System.arraycopy(bias, row, packed, packedAt, width);
    }
    long rowBytes = w.rowOffset(1);
    int whole = k - k % FloatTransposeCode.SIDE;
    for (int p = 0; p < whole; p += PACKED) {
      int columns = Math.min(PACKED, whole - p);
      MemorySegment rows = w.data().asSlice(w.rowOffset(row) + w.dtype().bytes(p));
      int to = packedAt + (1 + p) * width;
      transpose.blocks(w.dtype(), rows, rowBytes, width, columns, packed, to, width);
    }
    for (int p = whole; p < k; p++) {
      for (int i = 0; i < width; i++) {
        packed[packedAt + (1 + p) * width + i] = element(w, row + i, p);
      }
    }
  }

  private static float element(Matrix w, int row, int column) {
    long at = w.rowOffset(row) + w.dtype().bytes(column);
    return w.dtype() == DType.F32
        ? w.data().get(Tensor.F32, at)
        : Float.intBitsToFloat(w.data().get(Tensor.BITS16, at) << Short.SIZE);
  }

  @Override
  public int runScratch() {
    return kernels.runScratch();
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
    for (int input = fromInput; input < toInput; input += BLOCK) {
      int rows = Math.min(BLOCK, toInput - input);
      long reach = reach(inputs.starts(), input, rows);
      MemorySegment starts =
          MemorySegment.ofArray(inputs.starts())
              .asSlice((long) Integer.BYTES * input, (long) Integer.BYTES * rows);
      int done = 0;
      for (int run = 0; run < inputs.runs(); run++) {
        for (int p = 0; p < inputs.length(); p += DEPTH) {
          int depth = Math.min(DEPTH, inputs.length() - p);
          long at = xAt + (long) run * inputs.apart() + p;
          MemorySegment slice = Calls.slice(x, at, reach + depth);
          int panel = packedAt;
          for (int row = fromRow; row < toRow; row += width) {
            int used = Math.min(width, toRow - row);
            int to = yAt + input * outputs + row;
            add(slice, starts, rows, packed, panel, done, depth, used, y, to, outputs);
            panel += kernels.packedWeightFloats(used, inputs.size());
          }
          done += depth;
        }
      }
    }
  }

  /** Returns the greatest of some starts, after a check that there is none before the array. */
  private static int reach(int[] starts, int from, int count) {
    int least = 0;
    int greatest = 0;
    for (int i = from; i < from + count; i++) {
      least = Math.min(least, starts[i]);
      greatest = Math.max(greatest, starts[i]);
    }
    Objects.checkIndex(least, Integer.MAX_VALUE);
    return greatest;
  }

  /**
   * Adds some products to each sum of some rows and one panel.
   *
   * @param done the products that have been added; if there are none, sums begin with the bias
   * @param depth how many are added
   * @param used the outputs of the panel
   */
  private void add(
      MemorySegment x,
      MemorySegment starts,
      int rows,
      float[] packed,
      int panel,
      int done,
      int depth,
      int used,
      float[] y,
      int at,
      int apart) {
    int vectors = Math.ceilDiv(used, lanes);
    long floats = (long) vectors * lanes;
    long lastLanes = used - (vectors - 1L) * lanes;
    long sumsApart = (long) Float.BYTES * apart;
    MemorySegment sums = Calls.slice(y, at, (rows - 1L) * apart + used);
    MemorySegment first = done == 0 ? Calls.slice(packed, panel, floats) : sums;
    long firstApart = done == 0 ? 0 : sumsApart;
    MemorySegment weights = Calls.slice(packed, panel + (1L + done) * floats, depth * floats);
    MethodHandle function = lastLanes == lanes ? multiplyWhole[vectors - 1] : multiply[vectors - 1];
    try {
      function.invokeExact(
          x,
          starts,
          weights,
          first,
          firstApart,
          sums,
          sumsApart,
          (long) depth,
          (long) rows,
          (1L << lastLanes) - 1);
    } catch (Throwable e) {
      throw Calls.failed(e);
    }
  }
}
