package io.github.vlm4j.backend.cpu.emitted;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ExecutableMemoryTest {

  private static final FunctionDescriptor COPY =
      FunctionDescriptor.ofVoid(ADDRESS, ADDRESS, JAVA_LONG);

  @BeforeEach
  void onlyOnItsProcessor() {
    assumeThat(System.getProperty("os.arch")).isIn("amd64", "x86_64");
  }

  @Test
  void codeRunsOnArraysAndOnNativeMemory() throws Throwable {
    try (Arena arena = Arena.ofConfined()) {
      MethodHandle add = ExecutableMemory.of(adder(), arena).function(0, COPY);
      long[] sum = {40};
      MemorySegment native2 = arena.allocateFrom(JAVA_LONG, 1);

      add.invokeExact(MemorySegment.ofArray(sum), native2, 1L);

      assertThat(sum).containsExactly(42);
    }
  }

  @Test
  void codeIsNeverWritableAndLiesBetweenPagesThatCannotBeTouched() throws IOException {
    Path maps = Path.of("/proc/self/maps");
    assumeThat(maps).exists();
    try (Arena arena = Arena.ofConfined()) {
      long address = ExecutableMemory.of(adder(), arena).address();
      List<String> lines = Files.readAllLines(maps);

      assertThat(permissions(lines, address)).startsWith("r-x");
      assertThat(permissions(lines, address - 1)).startsWith("---");
      assertThat(permissions(lines, address + SystemMemory.PAGE)).startsWith("---");
    }
  }

  @Test
  void theEndOfTheArenaFreesThePagesAndEndsTheFunction() throws IOException {
    Path maps = Path.of("/proc/self/maps");
    assumeThat(maps).exists();
    MethodHandle function;
    long address;
    try (Arena arena = Arena.ofShared()) {
      ExecutableMemory memory = ExecutableMemory.of(adder(), arena);
      function = memory.function(0, COPY);
      address = memory.address();
    }

    assertThat(permissions(Files.readAllLines(maps), address)).doesNotContain("x");
    MemorySegment any = MemorySegment.ofArray(new long[1]);
    assertThatThrownBy(
            () -> {
              function.invokeExact(any, any, 1L);
            })
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void codeOfSeveralPagesRunsToItsEnd() throws Throwable {
    Assembler a = new Assembler();
    Label end = new Label();
    a.jump(end);
    while (a.position() < 3 * SystemMemory.PAGE) {
      a.align();
      a.ret();
    }
    a.place(end);
    Frame frame = new Frame(a, CallingConvention.ofThisSystem());
    a.mov(Gpr.RDI, frame.argument(0));
    a.mov(Gpr.RAX, 5);
    a.mov(Gpr.RDI.at(), Gpr.RAX);
    frame.leave();
    try (Arena arena = Arena.ofConfined()) {
      MethodHandle function = ExecutableMemory.of(a.code(), arena).function(0, COPY);
      MemorySegment result = arena.allocate(ValueLayout.JAVA_LONG);

      function.invokeExact(result, result, 0L);

      assertThat(result.get(JAVA_LONG, 0)).isEqualTo(5);
    }
  }

  /** A function that adds the second argument's number and the third argument to the first's. */
  private static byte[] adder() {
    Assembler a = new Assembler();
    Frame frame = new Frame(a, CallingConvention.ofThisSystem());
    a.mov(Gpr.RDI, frame.argument(0));
    a.mov(Gpr.RSI, frame.argument(1));
    a.mov(Gpr.RAX, Gpr.RDI.at());
    a.mov(Gpr.RCX, Gpr.RSI.at());
    a.add(Gpr.RAX, Gpr.RCX);
    a.mov(Gpr.RCX, frame.argument(2));
    a.add(Gpr.RAX, Gpr.RCX);
    a.mov(Gpr.RDI.at(), Gpr.RAX);
    frame.leave();
    return a.code();
  }

  private static String permissions(List<String> maps, long address) {
    for (String line : maps) {
      int dash = line.indexOf('-');
      int space = line.indexOf(' ');
      long from = Long.parseUnsignedLong(line, 0, dash, 16);
      long to = Long.parseUnsignedLong(line, dash + 1, space, 16);
      if (Long.compareUnsigned(address, from) >= 0 && Long.compareUnsigned(address, to) < 0) {
        return line.substring(space + 1, space + 5);
      }
    }
    return "none";
  }
}
