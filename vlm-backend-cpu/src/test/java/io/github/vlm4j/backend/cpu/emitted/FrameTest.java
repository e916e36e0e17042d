package io.github.vlm4j.backend.cpu.emitted;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A function with a {@link Frame} is called by emitted code that fills registers before and looks
 * at them afterwards, so that Windows' convention is held to its promise on any system.
 */
class FrameTest {

  /** Arguments of the function: more than either convention has registers for. */
  private static final int ARGUMENTS = 8;

  private static final int VECTORS = 16;
  private static final int LOCALS = 3;

  static List<CallingConvention> conventions() {
    return List.of(CallingConvention.SYSTEM_V, CallingConvention.WINDOWS);
  }

  @ParameterizedTest
  @MethodSource("conventions")
  void aFunctionGetsItsArgumentsAndKeepsWhatItsCallerOwns(CallingConvention convention)
      throws Throwable {
    assumeThat(System.getProperty("os.arch")).isIn("amd64", "x86_64");
    assumeThat(CpuFeatures.ask().avx2()).isTrue();
    Assembler a = new Assembler();
    Label function = new Label();
    int at = caller(a, convention, function);
    a.align();
    a.place(function);
    destroyer(a, convention);
    long[] results = new long[ARGUMENTS + convention.kept().size()];
    int[] vectors = new int[VECTORS * 4];
    for (int i = 0; i < vectors.length; i++) {
      vectors[i] = 1000 + i;
    }
    int[] before = vectors.clone();

    try (Arena arena = Arena.ofConfined()) {
      MethodHandle call =
          ExecutableMemory.of(a.code(), arena)
              .function(at, FunctionDescriptor.ofVoid(ADDRESS, ADDRESS, JAVA_LONG));
      call.invokeExact(MemorySegment.ofArray(results), MemorySegment.ofArray(vectors), 7L);
    }

    List<Long> expected = new ArrayList<>();
    for (int i = 1; i < ARGUMENTS; i++) {
      expected.add(100L + i);
    }
    for (int i = 0; i < convention.kept().size(); i++) {
      expected.add(200L + i);
    }
    expected.add(7L);
    assertThat(Arrays.stream(results).boxed().toList()).isEqualTo(expected);
    for (int i = convention.firstKeptVector(); i <= convention.lastKeptVector(); i++) {
      for (int lane = 4 * i; lane < 4 * i + 4; lane++) {
        assertThat(vectors[lane]).as("vector %d", i).isEqualTo(before[lane]);
      }
    }
  }

  /** Calls the function with 100, 101, … of which the first is replaced by where results go. */
  private static int caller(Assembler a, CallingConvention convention, Label function) {
    int at = a.position();
    Frame frame = new Frame(a, CallingConvention.ofThisSystem());
    a.mov(Gpr.R11, frame.argument(1));
    for (int i = 0; i < VECTORS; i++) {
      a.op(Vex.VMOVUPS_XMM, new Zmm(i), Gpr.R11.at(16 * i));
    }
    a.mov(Gpr.R11, frame.argument(0));
    int inRegisters = convention.arguments().size();
    int onStack = ARGUMENTS - inRegisters;
    int room = 8 * (convention.shadowed() + onStack);
    a.sub(Gpr.RSP, room);
    for (int i = inRegisters; i < ARGUMENTS; i++) {
      a.mov(Gpr.RAX, 100 + i);
      a.mov(Gpr.RSP.at(8 * (convention.shadowed() + i - inRegisters)), Gpr.RAX);
    }
    for (int i = 0; i < convention.kept().size(); i++) {
      a.mov(convention.kept().get(i), 200 + i);
    }
    for (int i = 1; i < inRegisters; i++) {
      a.mov(convention.arguments().get(i), 100 + i);
    }
    a.mov(convention.arguments().getFirst(), Gpr.R11);
    a.call(function);
    a.add(Gpr.RSP, room);
    a.mov(Gpr.R11, frame.argument(0));
    for (int i = 0; i < convention.kept().size(); i++) {
      a.mov(Gpr.R11.at(8 * (ARGUMENTS - 1 + i)), convention.kept().get(i));
    }
    a.mov(Gpr.RAX, frame.argument(2));
    a.mov(Gpr.R11.at(8 * (ARGUMENTS - 1 + convention.kept().size())), Gpr.RAX);
    a.mov(Gpr.R11, frame.argument(1));
    for (int i = 0; i < VECTORS; i++) {
      a.op(Vex.VMOVUPS_XMM_STORE, new Zmm(i), Gpr.R11.at(16 * i));
    }
    frame.leave();
    return at;
  }

  /**
   * Writes all arguments but the first to where that points, and changes all registers and all that
   * it has in memory of its own.
   */
  private static void destroyer(Assembler a, CallingConvention convention) {
    Frame frame = new Frame(a, convention, LOCALS);
    a.mov(Gpr.RAX, -1);
    for (int i = 0; i < LOCALS; i++) {
      a.mov(frame.local(i), Gpr.RAX);
    }
    a.mov(Gpr.R10, frame.argument(0));
    for (int i = 1; i < ARGUMENTS; i++) {
      a.mov(Gpr.RAX, frame.argument(i));
      a.mov(Gpr.R10.at(8 * (i - 1)), Gpr.RAX);
    }
    for (Gpr register : Gpr.values()) {
      if (register != Gpr.RSP) {
        a.mov(register, -1);
      }
    }
    for (int i = 0; i < VECTORS; i++) {
      a.op(Vex.VPXOR, new Zmm(i), new Zmm(i), new Zmm(i));
    }
    frame.leave();
  }
}
