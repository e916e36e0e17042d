package io.github.vlm4j.backend.cpu.emitted;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * What the processor says of itself that the emitted kernels depend on.
 *
 * @param avx2 AVX2, FMA and F16C, and an operating system that saves those registers
 * @param avx512 AVX-512 F, BW, DQ and VL, and an operating system that saves those registers
 * @param bf16 products of bf16, with {@code avx512}
 * @param vnni products of bytes, with {@code avx512}
 * @param tiles AMX with products of bf16, and an operating system that knows its registers, which
 *     it has to be asked for
 */
record CpuFeatures(boolean avx2, boolean avx512, boolean bf16, boolean vnni, boolean tiles) {

  private static final int EAX = 0;
  private static final int EBX = 1;
  private static final int ECX = 2;
  private static final int EDX = 3;

  /** Vectors of 128 and 256 bits. */
  private static final int SAVED_YMM = 0b0000_0110;

  /** The same, masks, and both parts of vectors of 512 bits. */
  private static final int SAVED_ZMM = 0b1110_0110;

  /** The configuration of tiles, and tiles. */
  private static final int SAVED_TILES = 0b11 << 17;

  /** Asks by code that is made for it. The processor has to be an x86-64. */
  static CpuFeatures ask() {
    Assembler assembler = new Assembler();
    int cpuid = cpuid(assembler);
    int xgetbv = xgetbv(assembler);
    try (Arena arena = Arena.ofConfined()) {
      ExecutableMemory memory = ExecutableMemory.of(assembler.code(), arena);
      Question question = new Question(memory, cpuid, xgetbv);
      int leaves = question.cpuid(0, 0)[EAX];
      int one = question.cpuid(1, 0)[ECX];
      boolean tellsSavedState = bit(one, 27);
      if (Integer.compareUnsigned(leaves, 7) < 0 || !tellsSavedState) {
        return new CpuFeatures(false, false, false, false, false);
      }
      int saved = question.xgetbv();
      int[] seven = question.cpuid(7, 0);
      int more = seven[EAX] >= 1 ? question.cpuid(7, 1)[EAX] : 0;
      boolean avx2 =
          (saved & SAVED_YMM) == SAVED_YMM && bit(one, 12) && bit(one, 29) && bit(seven[EBX], 5);
      boolean avx512 =
          (saved & SAVED_ZMM) == SAVED_ZMM
              && bit(seven[EBX], 16)
              && bit(seven[EBX], 17)
              && bit(seven[EBX], 30)
              && bit(seven[EBX], 31);
      boolean tiles =
          (saved & SAVED_TILES) == SAVED_TILES && bit(seven[EDX], 22) && bit(seven[EDX], 24);
      return new CpuFeatures(
          avx2, avx512, avx512 && bit(more, 5), avx512 && bit(seven[ECX], 11), tiles);
    }
  }

  private static boolean bit(int word, int index) {
    return (word >> index & 1) != 0;
  }

  /** A function of a leaf, a leaf below it, and where the four answers go. */
  private static int cpuid(Assembler a) {
    int at = a.position();
    Frame frame = Frame.withoutVectors(a, CallingConvention.ofThisSystem());
    a.mov(Gpr.RAX, frame.argument(0));
    a.mov(Gpr.RCX, frame.argument(1));
    a.mov(Gpr.RSI, frame.argument(2));
    a.cpuid();
    a.mov32(Gpr.RSI.at(), Gpr.RAX);
    a.mov32(Gpr.RSI.at(4), Gpr.RBX);
    a.mov32(Gpr.RSI.at(8), Gpr.RCX);
    a.mov32(Gpr.RSI.at(12), Gpr.RDX);
    frame.leave();
    return at;
  }

  /** A function of where the answer goes. */
  private static int xgetbv(Assembler a) {
    int at = a.position();
    Frame frame = Frame.withoutVectors(a, CallingConvention.ofThisSystem());
    a.mov(Gpr.RSI, frame.argument(0));
    a.mov(Gpr.RCX, 0);
    a.xgetbv();
    a.mov32(Gpr.RSI.at(), Gpr.RAX);
    frame.leave();
    return at;
  }

  /** The functions, ready to be called. */
  private record Question(ExecutableMemory memory, int cpuidAt, int xgetbvAt) {

    int[] cpuid(long leaf, long below) {
      MethodHandle function =
          memory.function(cpuidAt, FunctionDescriptor.ofVoid(JAVA_LONG, JAVA_LONG, ADDRESS));
      int[] answers = new int[4];
      try {
        function.invokeExact(leaf, below, MemorySegment.ofArray(answers));
      } catch (Throwable e) {
        throw new IllegalStateException(e);
      }
      return answers;
    }

    int xgetbv() {
      MethodHandle function = memory.function(xgetbvAt, FunctionDescriptor.ofVoid(ADDRESS));
      int[] answer = new int[1];
      try {
        function.invokeExact(MemorySegment.ofArray(answer));
      } catch (Throwable e) {
        throw new IllegalStateException(e);
      }
      return answer[0];
    }
  }
}
