package io.github.vlm4j.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import jdk.incubator.vector.VectorShape;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A decoding step allocates nothing with vectors either, in a process that has nothing else to do,
 * as whether C2 keeps vectors in registers depends on what else it has seen a loop do.
 */
class VectorNoAllocationTest {

  private static final String PREFERRED = "preferred";

  @ParameterizedTest
  @CsvSource({"BF16, F32", "BF16, F16", "BF16, BF16", "BF16, Q8_0", "Q8_0, F32", "Q4_0, F32"})
  void aDecodingStepAllocatesNothing(String weights, String cache)
      throws IOException, InterruptedException {
    String bits = System.getProperty(KernelSelection.PROPERTY, PREFERRED);
    assumeTrue(
        bits.equals(PREFERRED)
            || Integer.parseInt(bits) <= VectorShape.preferredShape().vectorBitSize(),
        "Vectors that the processor does not have are objects");

    assertThat(allocationsOf(weights, cache, bits)).isEqualTo(new Allocations(0, 0).toString());
  }

  private static String allocationsOf(String weights, String cache, String bits)
      throws IOException, InterruptedException {
    List<String> command =
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "--add-modules",
            "jdk.incubator.vector",
            "--enable-native-access=ALL-UNNAMED",
            "-D" + KernelSelection.PROPERTY + "=" + bits,
            "-cp",
            System.getProperty("java.class.path"),
            DecodingStep.class.getName(),
            weights,
            cache);
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    process.waitFor();
    return output.strip();
  }
}
