package io.github.vlm4j.backend.cpu.emitted;

import static io.github.vlm4j.backend.cpu.emitted.Gpr.R10;
import static io.github.vlm4j.backend.cpu.emitted.Gpr.R9;
import static io.github.vlm4j.backend.cpu.emitted.Gpr.RAX;
import static io.github.vlm4j.backend.cpu.emitted.Gpr.RBX;
import static io.github.vlm4j.backend.cpu.emitted.Gpr.RCX;
import static io.github.vlm4j.backend.cpu.emitted.Gpr.RSP;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.function.Consumer;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The bytes expected are what GNU as 2.40 makes of the text beside them. */
class AssemblerTest {

  private static final HexFormat HEX = HexFormat.ofDelimiter(" ");

  @ParameterizedTest(name = "{0}")
  @MethodSource({
    "io.github.vlm4j.backend.cpu.emitted.EvexEncodings#instructions",
    "io.github.vlm4j.backend.cpu.emitted.EvexEncodings#instructionsForBlocks",
    "io.github.vlm4j.backend.cpu.emitted.EvexEncodings#instructionsForBytes",
    "io.github.vlm4j.backend.cpu.emitted.VexEncodings#instructions"
  })
  void anInstructionIsEncodedAsByTheGnuAssembler(String text, String expected, byte[] code) {
    assertThat(HEX.formatHex(code)).as(text).isEqualTo(expected);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource({
    "io.github.vlm4j.backend.cpu.emitted.EvexEncodings#instructions",
    "io.github.vlm4j.backend.cpu.emitted.EvexEncodings#instructionsForBlocks",
    "io.github.vlm4j.backend.cpu.emitted.EvexEncodings#instructionsForBytes",
    "io.github.vlm4j.backend.cpu.emitted.VexEncodings#instructions"
  })
  void objdumpReadsTheInstructionAsItsText(
      String text, String expected, byte[] code, @TempDir Path folder)
      throws IOException, InterruptedException {
    Path objdump = Path.of("/usr/bin/objdump");
    assumeThat(objdump).exists();
    Path file = Files.write(folder.resolve("code.bin"), code);
    Process process =
        new ProcessBuilder(
                objdump.toString(),
                "-D",
                "-b",
                "binary",
                "-m",
                "i386:x86-64",
                "-M",
                "intel",
                "--no-show-raw-insn",
                file.toString())
            .start();
    String printed;
    try (InputStream output = process.getInputStream()) {
      printed = new String(output.readAllBytes(), StandardCharsets.UTF_8);
    }
    assertThat(process.waitFor()).isZero();
    List<String> lines = printed.lines().filter(line -> line.startsWith("   0:")).toList();

    assertThat(lines).hasSize(1);
    String read = lines.getFirst().substring("   0:".length()).strip();
    assertThat(mnemonic(read)).isEqualTo(mnemonic(text));
    assertThat(registers(read)).isEqualTo(registers(text));
  }

  private static String mnemonic(String text) {
    String first = text.replace("{evex} ", "").split("\\s+")[0];
    return first.equals("movabs") ? "mov" : first;
  }

  private static List<String> registers(String text) {
    return Pattern.compile("\\b(r[a-z0-9]+|e[a-z]{2}|[xyz]mm\\d+|k\\d)\\b")
        .matcher(text)
        .results()
        .map(MatchResult::group)
        .filter(name -> !name.equals("ret"))
        .toList();
  }

  @Test
  void aWholeNumberIsSetInAllLanes() {
    assertThat(HEX.formatHex(code(a -> a.broadcast256(z(13), RAX))))
        .isEqualTo("c5 79 6e e8 c4 42 7d 58 ed");
    assertThat(HEX.formatHex(code(a -> a.broadcast256(z(3), R9))))
        .isEqualTo("c4 c1 79 6e d9 c4 e2 7d 58 db");
  }

  @Test
  void twoRegistersAreSetAsAPair() {
    assertThat(HEX.formatHex(code(a -> a.pair(z(4), RAX, RBX))))
        .isEqualTo("c4 e1 f9 6e e0 c4 e3 d9 22 e3 01");
    assertThat(HEX.formatHex(code(a -> a.pair(z(12), R9, R10))))
        .isEqualTo("c4 41 f9 6e e1 c4 43 99 22 e2 01");
  }

  @Test
  void jumpsLeadBackAndForth() {
    Assembler a = new Assembler();
    Label back = new Label();
    Label on = new Label();
    a.place(back);
    a.jump(Condition.NOT_EQUAL, on);
    a.jump(back);
    a.place(on);
    a.call(back);

    assertThat(HEX.formatHex(a.code()))
        .isEqualTo("0f 85 05 00 00 00 e9 f5 ff ff ff e8 f0 ff ff ff");
  }

  @Test
  void aJumpThatLeadsNowhereIsRefused() {
    Assembler a = new Assembler();
    a.jump(new Label());

    assertThatThrownBy(a::code).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void aFunctionBeginsAtACacheLine() {
    Assembler a = new Assembler();
    a.ret();
    a.align();

    assertThat(a.position()).isEqualTo(64);
    assertThat(a.code()).startsWith(0xc3, 0xcc).endsWith(0xcc);
  }

  @Test
  void whatNoInstructionCouldSayIsRefused() {
    assertThatThrownBy(() -> RAX.plus(RSP, 1)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> RAX.plus(RCX, 3)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new Zmm(32)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new Mask(8)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> code(a -> a.op(Vex.VADDPS, z(0), z(1), z(16))))
        .isInstanceOf(IllegalArgumentException.class);
  }

  static byte[] code(Consumer<Assembler> instruction) {
    Assembler assembler = new Assembler();
    instruction.accept(assembler);
    return assembler.code();
  }

  static Zmm z(int number) {
    return new Zmm(number);
  }

  static Mask k(int number) {
    return new Mask(number);
  }
}
