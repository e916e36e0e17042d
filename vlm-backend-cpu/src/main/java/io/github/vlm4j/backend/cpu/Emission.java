package io.github.vlm4j.backend.cpu;

import io.github.vlm4j.backend.cpu.emitted.EmittedKernels;
import io.github.vlm4j.backend.cpu.emitted.Products;
import io.github.vlm4j.backend.cpu.kernel.Kernels;
import java.util.EnumSet;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Emitted kernels that are made while a model is opened: the first calls of native functions take a
 * tenth of a second to be linked.
 *
 * @param made the kernels, or nothing if none can be made
 */
record Emission(CompletableFuture<Optional<EmittedKernels>> made) {

  /** Begins to make kernels on a thread that ends when they are made. */
  static Emission begin(Kernels kernels) {
    return new Emission(
        CompletableFuture.supplyAsync(
            () -> EmittedKernels.make(kernels, EnumSet.allOf(Products.class)),
            task -> Thread.ofPlatform().daemon().name("vlm-cpu-emission").start(task)));
  }

  /** Returns an emission that has ended with these kernels, or with none. */
  static Emission of(@Nullable EmittedKernels kernels) {
    return new Emission(CompletableFuture.completedFuture(Optional.ofNullable(kernels)));
  }

  /** Waits for the kernels; null if there are none. */
  @Nullable EmittedKernels kernels() {
    return made.join().orElse(null);
  }
}
