package io.github.vlm4j.backend.cpu.emitted;

import java.util.List;

/**
 * The code of matrix products in bf16 with AMX (Intel, "64 and IA-32 Architectures Software
 * Developer's Manual", volume 1, 18): up to 32 inputs by 32 outputs, four tiles of f32, stay in
 * registers while the inner dimension is walked, 32 numbers at a time.
 *
 * <p>Where numbers have several parts, {@link SplitNumbers}, the products of each block are those
 * of parts that are not both small: three of two parts, six of three.
 */
final class TileCode {

  /** Inputs or outputs of a tile. */
  static final int SIDE = 16;

  /** The bytes of a row of a tile. */
  static final int ROW_BYTES = 64;

  /** The bytes of a tile. */
  static final int TILE_BYTES = SIDE * ROW_BYTES;

  /** The bytes that say how many rows and bytes each tile has. */
  static final int CONFIGURATION_BYTES = 64;

  /** From the block that is multiplied to that whose inputs are asked for. */
  private static final int BLOCKS_AHEAD = 2;

  private static final int COLUMNS_AT = 16;
  private static final int ROWS_AT = 48;
  private static final int LAST = 1;

  /** The groups that a panel is multiplied with before the next: a second cache keeps them. */
  static final int CHUNK_GROUPS = 2;

  // What is kept in memory while chunks are walked.
  private static final int PANEL = 0;
  private static final int FIRST = 1;
  private static final int SUMS = 2;
  private static final int PANELS_LEFT = 3;
  private static final int LOCALS = 4;

  /** The blocks of a query for {@link #score}. */
  static final int QUERY_BLOCKS = 2;

  /** Tiles of inputs of a group, and of outputs of a panel, at most. */
  static final int TILES = 2;

  /** Which part of the inputs is multiplied with which part of the weights. */
  private record Turn(int inputs, int weights) {}

  /**
   * The turns of one part, of two and of three: from each to the next, and of two to that of the
   * next block, there is as little to load as can be.
   */
  private static final List<List<Turn>> TURNS =
      List.of(
          List.of(new Turn(0, 0)),
          List.of(new Turn(1, 0), new Turn(0, 0), new Turn(0, 1)),
          List.of(
              new Turn(2, 0),
              new Turn(1, 0),
              new Turn(1, 1),
              new Turn(0, 1),
              new Turn(0, 0),
              new Turn(0, 2)));

  private final Assembler a;
  private final CallingConvention convention;
  private final int parts;
  private final List<Turn> turns;

  /**
   * Creates what writes to an assembler.
   *
   * @param parts the numbers in bf16 that stand for one, 1 to 3
   */
  TileCode(Assembler assembler, CallingConvention convention, int parts) {
    this.a = assembler;
    this.convention = convention;
    this.parts = parts;
    this.turns = TURNS.get(parts - 1);
  }

  private static Tmm sums(int row, int column) {
    return new Tmm(2 * row + column);
  }

  private static Tmm inputs(int row) {
    return new Tmm(4 + row);
  }

  private static Tmm weights(int column) {
    return new Tmm(6 + column);
  }

  /**
   * Returns what configures the tiles of a call.
   *
   * @param rows the inputs of the last tile of inputs, 1 to {@link #SIDE}
   * @param columns the outputs of the last tile of outputs, likewise
   */
  static byte[] configuration(int rows, int columns) {
    byte[] bytes = new byte[CONFIGURATION_BYTES];
    bytes[0] = 1;
    for (int i = 0; i <= LAST; i++) {
      int height = i == LAST ? rows : SIDE;
      int width = Float.BYTES * (i == LAST ? columns : SIDE);
      for (int j = 0; j <= LAST; j++) {
        bytes[ROWS_AT + sums(i, j).number()] = (byte) height;
        bytes[COLUMNS_AT + 2 * sums(j, i).number()] = (byte) width;
      }
      bytes[ROWS_AT + inputs(i).number()] = (byte) height;
      bytes[COLUMNS_AT + 2 * inputs(i).number()] = ROW_BYTES;
      bytes[ROWS_AT + weights(i).number()] = SIDE;
      bytes[COLUMNS_AT + 2 * weights(i).number()] = (byte) width;
    }
    return bytes;
  }

  /**
   * Writes the function that multiplies chunks of groups of inputs with panels of weights, chunk by
   * chunk, panel by panel, group by group. Its arguments:
   *
   * <ol start="0">
   *   <li>the inputs, rows of whole blocks of 32 numbers in bf16, the parts of a block one behind
   *       the other
   *   <li>the bytes from a row to the next
   *   <li>the first panel: for each block of 32 inputs and each of its parts a tile of weights for
   *       each tile of outputs, whose rows are pairs of inputs
   *   <li>the bytes from a panel to the next
   *   <li>what the sums begin with, f32
   *   <li>the bytes from a row of that to the next, which may be 0
   *   <li>the bytes from a panel's part of that to the next
   *   <li>where the sums go, f32
   *   <li>the bytes from a row of that to the next
   *   <li>the number of blocks of a run of inputs, at least 1
   *   <li>the number of runs of a row, at least 1
   *   <li>the bytes from the end of a run to the next
   *   <li>the number of groups of a chunk, at least 1
   *   <li>the number of panels, at least 1
   *   <li>the {@link #configuration}
   *   <li>the number of chunks, at least 1; more have {@value #CHUNK_GROUPS} groups of 2 tiles each
   * </ol>
   *
   * @param rowTiles the tiles of inputs of a group, 1 or 2
   * @param columnTiles the tiles of outputs of a panel that are computed, 1 or 2
   * @return where it begins
   */
  int multiply(int rowTiles, int columnTiles) {
    int at = a.position();
    Frame frame = new Frame(a, convention, LOCALS);
    a.mov(Gpr.RAX, frame.argument(14));
    a.configureTiles(Gpr.RAX.at());
    a.mov(Gpr.RSI, frame.argument(1));
    a.mov(Gpr.R9, frame.argument(5));
    a.mov(Gpr.R11, frame.argument(8));
    a.mov(Gpr.RBP, ROW_BYTES);
    Label chunk = new Label();
    a.place(chunk);
    copy(frame.local(PANEL), frame.argument(2));
    copy(frame.local(FIRST), frame.argument(4));
    copy(frame.local(SUMS), frame.argument(7));
    copy(frame.local(PANELS_LEFT), frame.argument(13));
    Label panel = new Label();
    a.place(panel);
    a.mov(Gpr.RDI, frame.argument(0));
    a.mov(Gpr.R8, frame.local(FIRST));
    a.mov(Gpr.R10, frame.local(SUMS));
    a.mov(Gpr.R15, frame.argument(12));
    Label group = new Label();
    a.place(group);
    group(frame, rowTiles, columnTiles);
    a.mov(Gpr.R9, frame.argument(5));
    advance(Gpr.RDI, Gpr.RSI, rowTiles * SIDE);
    advance(Gpr.R8, Gpr.R9, rowTiles * SIDE);
    advance(Gpr.R10, Gpr.R11, rowTiles * SIDE);
    a.sub(Gpr.R15, 1);
    a.jump(Condition.NOT_EQUAL, group);
    addTo(frame.local(PANEL), frame.argument(3));
    addTo(frame.local(FIRST), frame.argument(6));
    a.mov(Gpr.RAX, frame.local(SUMS));
    a.add(Gpr.RAX, columnTiles * ROW_BYTES);
    a.mov(frame.local(SUMS), Gpr.RAX);
    countDown(frame.local(PANELS_LEFT));
    a.jump(Condition.NOT_EQUAL, panel);
    a.mov(frame.argument(0), Gpr.RDI);
    nextChunk(frame.argument(4), Gpr.R9);
    nextChunk(frame.argument(7), Gpr.R11);
    countDown(frame.argument(15));
    a.jump(Condition.NOT_EQUAL, chunk);
    a.releaseTiles();
    frame.leave();
    return at;
  }

  /** Returns what holds one of the two blocks of some queries while all keys pass by. */
  private static Tmm queries(int row, int block) {
    return block == 0 ? inputs(row) : sums(row, 1);
  }

  /**
   * Writes the function that computes the scores of groups of queries, which have {@value
   * #QUERY_BLOCKS} blocks. They stay in registers, so that there is half as much to load as for
   * {@link #multiply}, and sums begin at zero without being loaded. Its arguments:
   *
   * <ol start="0">
   *   <li>the queries, rows of blocks in bf16
   *   <li>the bytes from a row to the next
   *   <li>the keys, panels as {@link #multiply} takes them
   *   <li>the bytes from a panel to the next
   *   <li>where the scores go, f32
   *   <li>the bytes from a row of that to the next
   *   <li>the number of groups, at least 1
   *   <li>the number of panels, at least 1
   *   <li>the {@link #configuration}, with whole tiles of outputs
   * </ol>
   *
   * @param rowTiles the tiles of queries of a group, 1 or 2
   * @return where it begins
   */
  int score(int rowTiles) {
    int at = a.position();
    Frame frame = new Frame(a, convention);
    a.mov(Gpr.RAX, frame.argument(8));
    a.configureTiles(Gpr.RAX.at());
    a.mov(Gpr.RDI, frame.argument(0));
    a.mov(Gpr.RSI, frame.argument(1));
    a.mov(Gpr.R10, frame.argument(4));
    a.mov(Gpr.R11, frame.argument(5));
    a.mov(Gpr.R15, frame.argument(6));
    a.mov(Gpr.RBP, ROW_BYTES);
    Label group = new Label();
    a.place(group);
    for (int row = 2 - rowTiles; row <= LAST; row++) {
      for (int block = 0; block < QUERY_BLOCKS; block++) {
        Mem rows = Gpr.RDI.plus(Gpr.RSI, 1).plus(ROW_BYTES * block);
        a.op(Vex.TILELOADD, queries(row, block), rows);
      }
      advance(Gpr.RDI, Gpr.RSI, SIDE);
    }
    a.mov(Gpr.RDX, frame.argument(2));
    a.mov(Gpr.RCX, frame.argument(7));
    a.mov(Gpr.R8, Gpr.R10);
    if (rowTiles > 1) {
      advance(Gpr.R10, Gpr.R11, SIDE);
    }
    a.mov(Gpr.R9, Gpr.R10);
    advance(Gpr.R10, Gpr.R11, SIDE);
    Label panel = new Label();
    a.place(panel);
    for (int column = 0; column < TILES; column++) {
      scoreColumn(column, rowTiles);
    }
    a.mov(Gpr.RAX, frame.argument(3));
    a.add(Gpr.RDX, Gpr.RAX);
    a.add(Gpr.R8, TILES * ROW_BYTES);
    a.add(Gpr.R9, TILES * ROW_BYTES);
    a.sub(Gpr.RCX, 1);
    a.jump(Condition.NOT_EQUAL, panel);
    a.sub(Gpr.R15, 1);
    a.jump(Condition.NOT_EQUAL, group);
    a.releaseTiles();
    frame.leave();
    return at;
  }

  /** Computes the scores of a tile of keys. */
  private void scoreColumn(int column, int rowTiles) {
    for (int block = 0; block < QUERY_BLOCKS; block++) {
      int tile = TILE_BYTES * (TILES * block + column);
      a.op(Vex.TILELOADD, weights(block), Gpr.RDX.plus(Gpr.RBP, 1).plus(tile));
    }
    for (int row = 2 - rowTiles; row <= LAST; row++) {
      a.clear(sums(row, 0));
    }
    for (int block = 0; block < QUERY_BLOCKS; block++) {
      for (int row = 2 - rowTiles; row <= LAST; row++) {
        a.op(Vex.TDPBF16PS, sums(row, 0), queries(row, block), weights(block));
      }
    }
    for (int row = 2 - rowTiles; row <= LAST; row++) {
      Gpr scores = row == LAST ? Gpr.R9 : Gpr.R8;
      a.op(Vex.TILESTORED, sums(row, 0), scores.plus(Gpr.R11, 1).plus(ROW_BYTES * column));
    }
  }

  /** Adds a distance some times. */
  private void advance(Gpr address, Gpr distance, int times) {
    a.mov(Gpr.RAX, distance);
    a.shl(Gpr.RAX, Integer.numberOfTrailingZeros(times));
    a.add(address, Gpr.RAX);
  }

  /** Moves an address by the rows of a whole chunk. */
  private void nextChunk(Mem address, Gpr apart) {
    a.mov(Gpr.RCX, address);
    advance(Gpr.RCX, apart, CHUNK_GROUPS * TILES * SIDE);
    a.mov(address, Gpr.RCX);
  }

  /** Takes one off a number; the flags say whether there is none left. */
  private void countDown(Mem number) {
    a.mov(Gpr.RAX, number);
    a.sub(Gpr.RAX, 1);
    a.mov(number, Gpr.RAX);
  }

  private void copy(Mem to, Mem from) {
    a.mov(Gpr.RAX, from);
    a.mov(to, Gpr.RAX);
  }

  private void addTo(Mem sum, Mem other) {
    a.mov(Gpr.RAX, sum);
    a.mov(Gpr.RCX, other);
    a.add(Gpr.RAX, Gpr.RCX);
    a.mov(sum, Gpr.RAX);
  }

  private void group(Frame frame, int rowTiles, int columnTiles) {
    int firstRow = 2 - rowTiles;
    int firstColumn = 2 - columnTiles;
    move(Vex.TILELOADD, Gpr.R8, Gpr.R9, rowTiles, columnTiles);
    a.mov(Gpr.RAX, Gpr.RDI);
    a.mov(Gpr.RBX, Gpr.RDI);
    if (rowTiles > 1) {
      a.mov(Gpr.RBX, Gpr.RSI);
      a.shl(Gpr.RBX, Integer.numberOfTrailingZeros(SIDE));
      a.add(Gpr.RBX, Gpr.RDI);
    }
    a.mov(Gpr.RDX, frame.local(PANEL));
    a.mov(Gpr.RCX, frame.argument(9));
    a.mov(Gpr.R13, frame.argument(10));
    for (int i = firstRow; i <= LAST; i++) {
      loadInputs(i, turns.getFirst().inputs());
    }
    for (int j = firstColumn; j <= LAST; j++) {
      loadWeights(j, firstColumn, turns.getFirst().weights());
    }
    a.mov(Gpr.R12, Gpr.R10);
    requestRows(rowTiles, columnTiles);
    Label loop = new Label();
    Label next = new Label();
    Label last = new Label();
    a.place(loop);
    a.mov(Gpr.R14, (long) parts * ROW_BYTES);
    a.sub(Gpr.RCX, 1);
    a.jump(Condition.NOT_EQUAL, next);
    a.sub(Gpr.R13, 1);
    a.jump(Condition.EQUAL, last);
    a.mov(Gpr.RCX, frame.argument(11));
    a.add(Gpr.R14, Gpr.RCX);
    a.mov(Gpr.RCX, frame.argument(9));
    a.place(next);
    requestRow(columnTiles);
    block(firstRow, firstColumn, true);
    a.jump(loop);
    a.place(last);
    block(firstRow, firstColumn, false);
    move(Vex.TILESTORED, Gpr.R10, Gpr.R11, rowTiles, columnTiles);
  }

  /** Asks for what is more than a row for each block but the last. */
  private void requestRows(int rowTiles, int columnTiles) {
    Label loop = new Label();
    Label enough = new Label();
    a.mov(Gpr.R14, Gpr.RCX);
    a.sub(Gpr.R14, rowTiles * SIDE + 1);
    a.jump(Condition.GREATER_OR_EQUAL, enough);
    a.place(loop);
    requestRow(columnTiles);
    a.add(Gpr.R14, 1);
    a.jump(Condition.NOT_EQUAL, loop);
    a.place(enough);
  }

  /**
   * Asks for a row of what sums are written to, which nobody has read: without asking, stores wait
   * for other caches.
   */
  private void requestRow(int columnTiles) {
    for (int column = 0; column < columnTiles; column++) {
      a.prefetchToWrite(Gpr.R12.at(ROW_BYTES * column));
    }
    a.prefetchToWrite(Gpr.R12.at(ROW_BYTES * columnTiles - 1));
    a.add(Gpr.R12, Gpr.R11);
  }

  /**
   * Adds a block's products. A tile is loaded for the next of them once its last product has begun:
   * where another thread has half of the core, products that wait for loads take a sixth longer.
   * Whole groups of inputs are asked for even before, which makes a fifth of difference there and a
   * fiftieth less where there is no other thread: they lie in many rows, which no processor
   * foresees. Leaves r9 changed.
   *
   * @param more whether another block follows, as many bytes on as R14 holds
   */
  private void block(int firstRow, int firstColumn, boolean more) {
    int rows = more && firstRow < LAST ? TILES * SIDE : 0;
    int products = turns.size() * TILES * (TILES - firstColumn);
    int rowsEach = Math.ceilDiv(TILES * SIDE, 2 * products) * 2;
    a.mov(Gpr.R9, Gpr.RAX);
    for (int turn = 0; turn < turns.size(); turn++) {
      Turn now = turns.get(turn);
      boolean ends = turn == turns.size() - 1;
      if (ends && more) {
        a.add(Gpr.RAX, Gpr.R14);
        a.add(Gpr.RBX, Gpr.R14);
        a.add(Gpr.RDX, parts * TILES * TILE_BYTES);
      }
      Turn then = turns.get(ends ? 0 : turn + 1);
      boolean loads = !ends || more;
      boolean inputsChange = loads && (ends || then.inputs() != now.inputs());
      boolean weightsChange = loads && (ends || then.weights() != now.weights());
      for (int i = firstRow; i <= LAST; i++) {
        for (int j = firstColumn; j <= LAST; j++) {
          a.op(Vex.TDPBF16PS, sums(i, j), inputs(i), weights(j));
          requestInputs(Math.min(rowsEach, rows));
          rows -= Math.min(rowsEach, rows);
          if (j == LAST && inputsChange) {
            loadInputs(i, then.inputs());
          }
          if (i == LAST && weightsChange) {
            loadWeights(j, firstColumn, then.weights());
          }
        }
      }
    }
  }

  /** Asks for an even number of rows of inputs, from where r9 says on, and moves it behind them. */
  private void requestInputs(int rows) {
    for (int row = 0; row < rows; row += 2) {
      for (int part = 0; part < parts; part++) {
        int ahead = ROW_BYTES * (BLOCKS_AHEAD * parts + part);
        a.prefetch(Gpr.R9.at(ahead));
        a.prefetch(Gpr.R9.plus(Gpr.RSI, 1).plus(ahead));
      }
      a.lea(Gpr.R9, Gpr.R9.plus(Gpr.RSI, 2));
    }
  }

  private void loadInputs(int row, int part) {
    Gpr rows = row == LAST ? Gpr.RBX : Gpr.RAX;
    a.op(Vex.TILELOADD, inputs(row), rows.plus(Gpr.RSI, 1).plus(ROW_BYTES * part));
  }

  private void loadWeights(int column, int firstColumn, int part) {
    int tile = TILE_BYTES * (column - firstColumn + TILES * part);
    a.op(Vex.TILELOADD, weights(column), Gpr.RDX.plus(Gpr.RBP, 1).plus(tile));
  }

  /** Loads or stores the sums of a group. */
  private void move(Vex op, Gpr rows, Gpr apart, int rowTiles, int columnTiles) {
    a.mov(Gpr.RAX, rows);
    for (int i = 2 - rowTiles; i <= LAST; i++) {
      for (int j = 0; j < columnTiles; j++) {
        Mem tile = Gpr.RAX.plus(apart, 1).plus(ROW_BYTES * j);
        a.op(op, sums(i, 2 - columnTiles + j), tile);
      }
      if (i < LAST) {
        a.mov(Gpr.RBX, apart);
        a.shl(Gpr.RBX, Integer.numberOfTrailingZeros(SIDE));
        a.add(Gpr.RAX, Gpr.RBX);
      }
    }
  }
}
