package io.github.vlm4j.backend.cpu.emitted;

/**
 * A register of AMX that holds a tile: up to 16 rows of up to 64 bytes.
 *
 * @param number 0 to 7
 */
record Tmm(int number) {

  /** Checks the number. */
  Tmm {
    if (number < 0 || number > 7) {
      throw new IllegalArgumentException("There is no tile register " + number);
    }
  }
}
