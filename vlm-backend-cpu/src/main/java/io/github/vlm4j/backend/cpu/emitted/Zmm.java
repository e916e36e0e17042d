package io.github.vlm4j.backend.cpu.emitted;

/**
 * A vector register of 512 bits, or the lower part of one where an instruction is narrower.
 *
 * @param number 0 to 31
 */
record Zmm(int number) {

  /** Checks the number. */
  Zmm {
    if (number < 0 || number > 31) {
      throw new IllegalArgumentException("There is no vector register " + number);
    }
  }
}
