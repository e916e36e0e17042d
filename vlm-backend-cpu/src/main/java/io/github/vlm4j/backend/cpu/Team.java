package io.github.vlm4j.backend.cpu;

import io.github.vlm4j.backend.cpu.kernel.Kernels;

/**
 * What the operations of one executable compute with.
 *
 * @param kernels the innermost loops
 * @param workers the threads
 * @param scratch one array per worker
 * @param packed one array that all workers read, for the inputs of matrix products
 */
record Team(Kernels kernels, Workers workers, Scratch scratch, Scratch packed) {

  /** Returns a team with scratch of no size yet. */
  static Team of(Kernels kernels, Workers workers) {
    return new Team(
        kernels,
        workers,
        new Scratch("The scratch memory of one thread", workers.size()),
        new Scratch("The rearranged input of a matrix product", 1));
  }
}
