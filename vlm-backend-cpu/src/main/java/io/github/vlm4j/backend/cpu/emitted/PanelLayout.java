package io.github.vlm4j.backend.cpu.emitted;

/**
 * How weights in bf16 lie in a panel: pairs of inputs by outputs, in groups of {@value #LANES}
 * outputs, in blocks of {@value #BLOCK} inputs. Distances are in floats, each of which holds a
 * pair. Where several numbers in bf16 stand for one, {@link SplitNumbers}, a block has all of its
 * first parts, then all of its second ones, and so on.
 *
 * @param width the outputs of a panel
 * @param group the distance from a group of outputs to the next
 * @param pair the distance from a pair of inputs to the next of a block
 * @param part the distance from a part of a block to the next, and from the last to the next block
 * @param parts the numbers that stand for one
 */
record PanelLayout(int width, int group, int pair, int part, int parts) {

  /** The outputs of a group. */
  static final int LANES = 16;

  /** The inputs of a block: a pair for each row that is laid out at once. */
  static final int BLOCK = 2 * LANES;

  /** Returns an inner dimension in whole blocks. */
  static int wholeBlocks(int inputs) {
    return Math.ceilDiv(inputs, BLOCK) * BLOCK;
  }

  /** Returns the floats of a panel of some inputs. */
  int floats(int inputs) {
    return Math.multiplyExact(wholeBlocks(inputs) / 2 * parts, width);
  }

  /** Returns the distance from a block to the next. */
  int block() {
    return parts * part;
  }

  /** Returns the floats from the first to the last of one part of a group, of some inputs. */
  int groupFloats(int inputs) {
    return (wholeBlocks(inputs) / BLOCK - 1) * block() + (LANES - 1) * pair + LANES;
  }

  /** Returns where a group of outputs begins in panels of some floats each. */
  int groupAt(int output, int panelFloats) {
    return output / width * panelFloats + output % width / LANES * group;
  }
}
