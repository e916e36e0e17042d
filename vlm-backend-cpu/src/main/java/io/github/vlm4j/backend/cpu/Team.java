package io.github.vlm4j.backend.cpu;

import io.github.vlm4j.backend.cpu.kernel.AttentionLoops;
import io.github.vlm4j.backend.cpu.kernel.Kernels;
import io.github.vlm4j.backend.cpu.kernel.RoundedLoops;
import org.jspecify.annotations.Nullable;

/**
 * What the operations of one executable compute with.
 *
 * @param kernels the innermost loops
 * @param rounded products of many inputs that are used where they can be, or null
 * @param attention the innermost loops of attention
 * @param workers the threads
 * @param scratch one array per worker
 * @param packed one array that all workers read, for the inputs of matrix products
 */
record Team(
    Kernels kernels,
    @Nullable RoundedLoops rounded,
    AttentionLoops attention,
    Workers workers,
    Scratch scratch,
    Scratch packed) {

  /** Returns a team with scratch of no size yet. */
  static Team of(
      Kernels kernels, @Nullable RoundedLoops rounded, AttentionLoops attention, Workers workers) {
    return new Team(
        kernels,
        rounded,
        attention,
        workers,
        new Scratch("The scratch memory of one thread", workers.size()),
        new Scratch("The rearranged input of a matrix product", 1));
  }
}
