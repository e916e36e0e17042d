package io.github.vlm4j.backend.cpu.emitted;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Arrays;

/** The functions of {@link Int8Code}, ready to be called. Distances are in bytes. */
final class Int8Functions {

  private final MethodHandle[] multiply = new MethodHandle[Bf16Code.VECTORS];
  private final MethodHandle quantise;
  private final MethodHandle pack;

  /**
   * Makes the code.
   *
   * @param arena how long it lives
   * @throws ExecutableMemory.Refused if the system does not allow that
   */
  Int8Functions(Arena arena) {
    Assembler assembler = new Assembler();
    Int8Code code = new Int8Code(assembler, CallingConvention.ofThisSystem());
    int[] multiplyAt = new int[multiply.length];
    Arrays.setAll(multiplyAt, i -> code.multiply(i + 1));
    int quantiseAt = code.quantise();
    int packAt = code.pack();
    ExecutableMemory memory = ExecutableMemory.of(assembler.code(), arena);
    Arrays.setAll(multiply, i -> memory.function(multiplyAt[i], Calls.arguments("aaaalallll")));
    quantise = memory.function(quantiseAt, Calls.arguments("alalll"));
    pack = memory.function(packAt, Calls.arguments("alal"));
  }

  /**
   * Calls {@link Int8Code#multiply}.
   *
   * @param outputs the outputs of the panel, 1 to {@link Bf16Code#WIDTH}
   */
  void multiply(
      MemorySegment inputs,
      MemorySegment starts,
      MemorySegment panel,
      MemorySegment first,
      long firstApart,
      MemorySegment sums,
      long sumsApart,
      long blocks,
      long rows,
      int outputs) {
    int vectors = Math.ceilDiv(outputs, Bf16Code.LANES);
    long lanes = Bf16Functions.lanes(outputs - Bf16Code.LANES * (vectors - 1));
    try {
      multiply[vectors - 1].invokeExact(
          inputs, starts, panel, first, firstApart, sums, sumsApart, blocks, rows, lanes);
    } catch (Throwable e) {
      throw Calls.failed(e);
    }
  }

  /** Calls {@link Int8Code#quantise}. */
  void quantise(
      MemorySegment x, long apart, MemorySegment to, long toApart, long blocks, long rows) {
    try {
      quantise.invokeExact(x, apart, to, toApart, blocks, rows);
    } catch (Throwable e) {
      throw Calls.failed(e);
    }
  }

  /** Calls {@link Int8Code#pack}. */
  void pack(MemorySegment weights, long apart, MemorySegment to, long blocks) {
    try {
      pack.invokeExact(weights, apart, to, blocks);
    } catch (Throwable e) {
      throw Calls.failed(e);
    }
  }
}
