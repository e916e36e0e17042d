package io.github.vlm4j.backend.cpu.emitted;

import java.util.ArrayList;
import java.util.List;
import java.util.function.IntConsumer;

/** Walks the rows of a product: tiles of all their rows, then one of what is left. */
final class RowTiles {

  private RowTiles() {}

  /**
   * Writes the loop.
   *
   * @param left holds the number of rows, and what of them is left; tiles must not touch it
   * @param most the rows of a whole tile
   * @param tile writes what a tile of some rows does, once for each number of them
   */
  static void write(Assembler a, Gpr left, int most, IntConsumer tile) {
    Label next = new Label();
    Label few = new Label();
    Label end = new Label();
    a.place(next);
    a.cmp(left, most);
    a.jump(Condition.LESS, few);
    a.sub(left, most);
    tile.accept(most);
    a.jump(next);
    a.place(few);
    List<Label> fewer = new ArrayList<>();
    for (int rows = 1; rows < most; rows++) {
      Label label = new Label();
      fewer.add(label);
      a.cmp(left, rows);
      a.jump(Condition.EQUAL, label);
    }
    a.jump(end);
    for (int rows = 1; rows < most; rows++) {
      a.place(fewer.get(rows - 1));
      tile.accept(rows);
      a.jump(end);
    }
    a.place(end);
  }
}
