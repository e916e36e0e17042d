package io.github.vlm4j.backend.cpu.emitted;

/**
 * A register that says which lanes take part.
 *
 * @param number 1 to 7; 0 stands for all lanes
 */
record Mask(int number) {

  /** All lanes. */
  static final Mask ALL = new Mask(0);

  /** Checks the number. */
  Mask {
    if (number < 0 || number > 7) {
      throw new IllegalArgumentException("There is no mask register " + number);
    }
  }
}
