package io.github.vlm4j.backend.cpu.emitted;

import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.backend.cpu.kernel.RoundedWinograd;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** The transforms of {@link WinogradCode}, to and from the rows and panels of bf16 products. */
final class Bf16Winograd implements RoundedWinograd {

  private static final int LANES = WinogradCode.LANES;
  private static final int POINTS = RoundedWinograd.POINTS;

  private static final int LINES = RoundedWinograd.KERNEL;

  /** The point that both results of a window have with the factor 1. */
  private static final int BIASED = 1;

  private final Bf16Functions functions;
  private final PanelLayout layout;
  private final MethodHandle windows;
  private final MethodHandle kernels;

  private final MethodHandle leftResults;
  private final MethodHandle results;

  /**
   * Makes the code.
   *
   * @param layout how panels lie
   * @param arena how long the code lives
   * @throws ExecutableMemory.Refused if the system does not allow that
   */
  Bf16Winograd(Bf16Functions functions, PanelLayout layout, Arena arena) {
    this.functions = functions;
    this.layout = layout;
    Assembler assembler = new Assembler();
    WinogradCode code = new WinogradCode(assembler, CallingConvention.ofThisSystem());
    int windowsAt = code.windows();
    int kernelsAt = code.kernels();
    int leftResultsAt = code.results(false);
    int resultsAt = code.results(true);
    ExecutableMemory memory = ExecutableMemory.of(assembler.code(), arena);
    FunctionDescriptor descriptor = Calls.arguments("alalllllll");
    windows = memory.function(windowsAt, descriptor);
    kernels = memory.function(kernelsAt, descriptor);
    leftResults = memory.function(leftResultsAt, descriptor);
    results = memory.function(resultsAt, descriptor);
  }

  @Override
  public int kernelTile() {
    return PanelLayout.LANES;
  }

  @Override
  public int panelFloats(int channels) {
    int lines = Math.multiplyExact(LINES, layout.floats(channels));
    return Math.addExact(layout.width(), lines);
  }

  @Override
  public int packScratch(int channels) {
    int rows = POINTS * LINES * PanelLayout.LANES;
    return Math.addExact(Math.multiplyExact(rows, rowFloats(channels)), CacheLines.MOST_SKIPPED);
  }

  /** Returns the floats from a transformed line of a kernel to that of the next output. */
  private static int rowFloats(int channels) {
    return Bf16Loops.apart(channels) / 2;
  }

  @Override
  public void packKernels(
      Matrix w,
      float @Nullable [] bias,
      int bandRow,
      int fromRow,
      int toRow,
      float[] packed,
      int packedAt,
      float[] scratch) {
    int channels = w.columns() / (RoundedWinograd.KERNEL * LINES);
    int lineFloats = POINTS * PanelLayout.LANES * rowFloats(channels);
    int panelFloats = panelFloats(channels);
    int inBand = fromRow - bandRow;
    for (int point = 0; point < POINTS; point++) {
      int biasAt = packedAt + point * panelFloats + inBand;
      Arrays.fill(packed, biasAt, biasAt + PanelLayout.LANES, 0);
      if (bias != null && point == BIASED) {
        System.arraycopy(bias, fromRow, packed, biasAt, toRow - fromRow);
      }
    }
    int at = functions.lines().next(scratch, 0);
    for (int line = 0; line < LINES; line++) {
      MemorySegment transformed = Calls.slice(scratch, at + (long) line * lineFloats, lineFloats);
      transform(w, line, fromRow, toRow, channels, transformed);
      int to = packedAt + layout.width() + layout.groupAt(inBand, 0);
      for (int point = 0; point < POINTS; point++) {
        // Outputs after the last become anything, as do their sums, which are not stored.
        functions.pack(
            transformed.asSlice(pointBytes(channels) * point),
            (long) Float.BYTES * rowFloats(channels),
            channels,
            packed,
            to + point * panelFloats + line * layout.floats(channels));
      }
    }
  }

  /** Returns the bytes from a point of transformed kernels to the next. */
  private static long pointBytes(int channels) {
    return (long) Float.BYTES * PanelLayout.LANES * rowFloats(channels);
  }

  /** Transforms a line of some kernels. */
  private void transform(
      Matrix w, int line, int fromRow, int toRow, int channels, MemorySegment to) {
    long rowBytes = w.rowOffset(1);
    long lineBytes = (long) Short.BYTES * RoundedWinograd.KERNEL * channels;
    long vectors = vectors(channels);
    long bytes = (toRow - fromRow - 1) * rowBytes + lineBytes;
    try {
      kernels.invokeExact(
          w.data().asSlice(w.rowOffset(fromRow) + line * lineBytes, bytes),
          (long) Short.BYTES * channels,
          to,
          pointBytes(channels),
          vectors,
          lanes(channels, vectors - 2),
          lanes(channels, vectors - 1),
          (long) toRow - fromRow,
          rowBytes,
          (long) Float.BYTES * rowFloats(channels));
    } catch (Throwable e) {
      throw Calls.failed(e);
    }
  }

  /** Returns the vectors of whole blocks. */
  private static long vectors(int channels) {
    return PanelLayout.wholeBlocks(channels) / LANES;
  }

  /** Returns which lanes of a vector are channels. */
  private static long lanes(int channels, long vector) {
    return Bf16Functions.lanes(Math.clamp(channels - LANES * vector, 0, LANES));
  }

  @Override
  public void windows(
      float[] x,
      int xAt,
      int channels,
      int count,
      float[] rounded,
      int roundedAt,
      int row,
      int rowsApart) {
    int rowFloats = rowFloats(channels);
    long pixels = (count - 1L) * RoundedWinograd.RESULTS + RoundedWinograd.WINDOW;
    long apart = (long) rowsApart * rowFloats;
    long vectors = vectors(channels);
    try {
      windows.invokeExact(
          Calls.slice(x, xAt, pixels * channels),
          (long) Float.BYTES * channels,
          Calls.slice(
              rounded,
              roundedAt + (long) row * rowFloats,
              (POINTS - 1) * apart + (long) count * rowFloats),
          Float.BYTES * apart,
          vectors,
          lanes(channels, vectors - 2),
          lanes(channels, vectors - 1),
          (long) count,
          (long) Float.BYTES * RoundedWinograd.RESULTS * channels,
          (long) Float.BYTES * rowFloats);
    } catch (Throwable e) {
      throw Calls.failed(e);
    }
  }

  @Override
  public void results(
      float[] m, int mAt, int apart, int channels, int count, float[] y, int yAt, int pixel) {
    long vectors = Math.ceilDiv(channels, LANES);
    long reach = (count - 1L) * RoundedWinograd.RESULTS * pixel + pixel + channels;
    try {
      (pixel == 0 ? leftResults : results)
          .invokeExact(
              Calls.slice(m, mAt, (POINTS - 1L) * apart + (long) count * channels),
              (long) Float.BYTES * apart,
              Calls.slice(y, yAt, reach),
              (long) Float.BYTES * pixel,
              vectors,
              0L,
              lanes(channels, vectors - 1),
              (long) count,
              (long) Float.BYTES * channels,
              (long) Float.BYTES * RoundedWinograd.RESULTS * pixel);
    } catch (Throwable e) {
      throw Calls.failed(e);
    }
  }
}
