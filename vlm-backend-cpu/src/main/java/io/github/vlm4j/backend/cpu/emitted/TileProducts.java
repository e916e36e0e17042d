package io.github.vlm4j.backend.cpu.emitted;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Arrays;

/** Products by the code of {@link TileCode}. */
final class TileProducts implements Bf16Products {

  private static final int SIDE = TileCode.SIDE;
  private static final int TILES = TileCode.TILES;
  private static final int TILE_FLOATS = TileCode.TILE_BYTES / Float.BYTES;

  private static final int WIDTH = TILES * SIDE;

  /** The inputs that a panel is multiplied with before the next. */
  private static final int CHUNK_ROWS = TileCode.CHUNK_GROUPS * TILES * SIDE;

  private final PanelLayout layout;
  private final MethodHandle[][] multiply = new MethodHandle[TILES][TILES];

  /** For one and for two tiles of queries. */
  private final MethodHandle[] score = new MethodHandle[TILES];

  /** For each number of rows and of columns of the last tiles. */
  private final MemorySegment configurations;

  /**
   * Makes the code.
   *
   * @param parts the numbers in bf16 that stand for one, 1 to 3
   * @param arena how long it lives
   * @throws ExecutableMemory.Refused if the system does not allow that
   */
  TileProducts(int parts, Arena arena) {
    layout = new PanelLayout(WIDTH, TILE_FLOATS, SIDE, TILES * TILE_FLOATS, parts);
    Assembler assembler = new Assembler();
    TileCode code = new TileCode(assembler, CallingConvention.ofThisSystem(), parts);
    int[][] at = new int[TILES][TILES];
    for (int i = 0; i < TILES; i++) {
      for (int j = 0; j < TILES; j++) {
        at[i][j] = code.multiply(i + 1, j + 1);
      }
    }
    int[] scoreAt = {code.score(1), code.score(2)};
    ExecutableMemory memory = ExecutableMemory.of(assembler.code(), arena);
    for (int i = 0; i < TILES; i++) {
      for (int j = 0; j < TILES; j++) {
        multiply[i][j] = memory.function(at[i][j], Calls.arguments("alalallallllllal"));
      }
    }
    Arrays.setAll(score, i -> memory.function(scoreAt[i], Calls.arguments("alalallla")));
    long bytes = TileCode.CONFIGURATION_BYTES;
    configurations = arena.allocate(bytes * SIDE * SIDE, bytes);
    for (int rows = 1; rows <= SIDE; rows++) {
      for (int columns = 1; columns <= SIDE; columns++) {
        configuration(rows, columns)
            .copyFrom(MemorySegment.ofArray(TileCode.configuration(rows, columns)));
      }
    }
  }

  private MemorySegment configuration(int rows, int columns) {
    long bytes = TileCode.CONFIGURATION_BYTES;
    return configurations.asSlice(bytes * (SIDE * (rows - 1) + columns - 1), bytes);
  }

  @Override
  public boolean spares() {
    return false;
  }

  @Override
  public int leastInputs() {
    return switch (layout.parts()) {
      case 1 -> 5;
      case 2 -> 6;
      default -> 9;
    };
  }

  @Override
  public PanelLayout layout() {
    return layout;
  }

  @Override
  public int rows() {
    return TILES * SIDE;
  }

  @Override
  public int mostRows() {
    return 32 * rows();
  }

  @Override
  public int bandOutputs() {
    return 4 * WIDTH;
  }

  @Override
  public void multiply(
      MemorySegment inputs,
      long inputsApart,
      int runs,
      long runsApart,
      MemorySegment panels,
      long panelsApart,
      MemorySegment first,
      long firstApart,
      long firstStep,
      MemorySegment sums,
      long sumsApart,
      int numbers,
      int rows,
      int outputs) {
    int whole = outputs / WIDTH;
    int left = outputs % WIDTH;
    long blocks = Math.ceilDiv(numbers, PanelLayout.BLOCK);
    if (whole > 0) {
      multiplyPanels(
          inputs,
          inputsApart,
          runs,
          runsApart,
          panels,
          panelsApart,
          first,
          firstApart,
          firstStep,
          sums,
          sumsApart,
          blocks,
          rows,
          whole,
          WIDTH);
    }
    if (left > 0) {
      multiplyPanels(
          inputs,
          inputsApart,
          runs,
          runsApart,
          panels.asSlice(panelsApart * whole),
          panelsApart,
          first.asSlice(firstStep * whole),
          firstApart,
          firstStep,
          sums.asSlice((long) Float.BYTES * WIDTH * whole),
          sumsApart,
          blocks,
          rows,
          1,
          left);
    }
  }

  @Override
  public void score(
      MemorySegment queries,
      long queriesApart,
      MemorySegment panels,
      long panelsApart,
      MemorySegment zeros,
      MemorySegment scores,
      long scoresApart,
      int numbers,
      int rows,
      int keys) {
    int blocks = PanelLayout.wholeBlocks(numbers) / PanelLayout.BLOCK;
    if (layout.parts() > 1 || blocks != TileCode.QUERY_BLOCKS) {
      Bf16Products.super.score(
          queries,
          queriesApart,
          panels,
          panelsApart,
          zeros,
          scores,
          scoresApart,
          numbers,
          rows,
          keys);
      return;
    }
    int whole = rows / rows();
    int left = rows % rows();
    long count = Math.ceilDiv(keys, WIDTH);
    if (whole > 0) {
      scoreGroups(
          queries, queriesApart, panels, panelsApart, scores, scoresApart, whole, count, rows());
    }
    if (left > 0) {
      long skipped = (long) whole * rows();
      scoreGroups(
          queries.asSlice(queriesApart * skipped),
          queriesApart,
          panels,
          panelsApart,
          scores.asSlice(scoresApart * skipped),
          scoresApart,
          1,
          count,
          left);
    }
  }

  /** Computes the scores of groups that have the same number of rows. */
  private void scoreGroups(
      MemorySegment queries,
      long queriesApart,
      MemorySegment panels,
      long panelsApart,
      MemorySegment scores,
      long scoresApart,
      long groups,
      long count,
      int rows) {
    int tiles = Math.ceilDiv(rows, SIDE);
    try {
      score[tiles - 1].invokeExact(
          queries,
          queriesApart,
          panels,
          panelsApart,
          scores,
          scoresApart,
          groups,
          count,
          configuration(rows - SIDE * (tiles - 1), SIDE));
    } catch (Throwable e) {
      throw Calls.failed(e);
    }
  }

  /** Multiplies with panels that have the same number of outputs, of which there may be fewer. */
  private void multiplyPanels(
      MemorySegment inputs,
      long inputsApart,
      int runs,
      long runsApart,
      MemorySegment panels,
      long panelsApart,
      MemorySegment first,
      long firstApart,
      long firstStep,
      MemorySegment sums,
      long sumsApart,
      long blocks,
      int rows,
      long count,
      int width) {
    for (int done = 0; done < rows; ) {
      int left = rows - done;
      int chunks = Math.max(1, left / CHUNK_ROWS);
      int groups = left < CHUNK_ROWS ? 1 : TileCode.CHUNK_GROUPS;
      int each = Math.min(rows(), left);
      multiplyChunks(
          inputs.asSlice(inputsApart * done),
          inputsApart,
          runs,
          runsApart,
          panels,
          panelsApart,
          first.asSlice(firstApart * done),
          firstApart,
          firstStep,
          sums.asSlice(sumsApart * done),
          sumsApart,
          blocks,
          chunks,
          groups,
          each,
          count,
          width);
      done += chunks * groups * each;
    }
  }

  /** Multiplies chunks of groups that have the same number of rows, of which there may be fewer. */
  private void multiplyChunks(
      MemorySegment inputs,
      long inputsApart,
      int runs,
      long runsApart,
      MemorySegment panels,
      long panelsApart,
      MemorySegment first,
      long firstApart,
      long firstStep,
      MemorySegment sums,
      long sumsApart,
      long blocks,
      long chunks,
      long groups,
      int rows,
      long count,
      int width) {
    int rowTiles = Math.ceilDiv(rows, SIDE);
    int columnTiles = Math.ceilDiv(width, SIDE);
    try {
      multiply[rowTiles - 1][columnTiles - 1].invokeExact(
          inputs,
          inputsApart,
          panels,
          panelsApart,
          first,
          firstApart,
          firstStep,
          sums,
          sumsApart,
          blocks,
          (long) runs,
          runsApart - TileCode.ROW_BYTES * blocks * layout.parts(),
          groups,
          count,
          configuration(rows - SIDE * (rowTiles - 1), width - SIDE * (columnTiles - 1)),
          chunks);
    } catch (Throwable e) {
      throw Calls.failed(e);
    }
  }
}
