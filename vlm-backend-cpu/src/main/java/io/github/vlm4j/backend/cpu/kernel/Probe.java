package io.github.vlm4j.backend.cpu.kernel;

import java.lang.foreign.MemorySegment;

/** Loops that do nothing but what a limit of the machine is made of, to measure that limit. */
public interface Probe {

  /**
   * Multiplies and adds in registers.
   *
   * @param rounds how often
   * @param sink where the result goes, so that the work cannot be left out; one float
   * @return the multiplications and additions done
   */
  long multiplyAndAdd(int rounds, float[] sink);

  /**
   * Reads memory from one end to the other.
   *
   * @param data a whole number of 1,024 bytes
   * @return what depends on every byte
   */
  int read(MemorySegment data);
}
