package io.github.vlm4j.backend.cpu;

import io.github.vlm4j.backend.cpu.emitted.EmittedKernels;
import io.github.vlm4j.backend.cpu.kernel.AttentionLoops;
import io.github.vlm4j.backend.cpu.kernel.ElementLoops;
import io.github.vlm4j.backend.cpu.kernel.Kernels;
import io.github.vlm4j.backend.cpu.kernel.PreparedLoops;
import io.github.vlm4j.backend.cpu.kernel.RunLoops;
import org.jspecify.annotations.Nullable;

/**
 * What the operations of one executable compute with.
 *
 * @param kernels the innermost loops
 * @param emitted what goes before the kernels where it can, or null
 * @param attention the innermost loops of attention
 * @param elements the innermost loops of operations by element or row
 * @param runs the innermost loops of products of many inputs
 * @param prepared products of many inputs that are laid out first, or null
 * @param workers the threads
 * @param scratch one array per worker
 * @param packed one array that all workers read, for the inputs of matrix products
 */
record Team(
    Kernels kernels,
    @Nullable EmittedKernels emitted,
    AttentionLoops attention,
    ElementLoops elements,
    RunLoops runs,
    @Nullable PreparedLoops prepared,
    Workers workers,
    Scratch scratch,
    Scratch packed) {

  /** Returns a team with scratch of no size yet. */
  static Team of(
      Kernels kernels,
      @Nullable EmittedKernels emitted,
      AttentionLoops attention,
      ElementLoops elements,
      Workers workers) {
    RunLoops runs = emitted == null ? null : emitted.runs();
    return new Team(
        kernels,
        emitted,
        attention,
        elements,
        runs == null ? kernels : runs,
        runs == null ? kernels.prepared() : null,
        workers,
        new Scratch("The scratch memory of one thread", workers.size()),
        new Scratch("The rearranged input of a matrix product", 1));
  }
}
