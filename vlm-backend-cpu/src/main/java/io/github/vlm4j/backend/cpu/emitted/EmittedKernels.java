package io.github.vlm4j.backend.cpu.emitted;

import io.github.vlm4j.backend.cpu.kernel.AttentionLoops;
import io.github.vlm4j.backend.cpu.kernel.Kernels;
import io.github.vlm4j.backend.cpu.kernel.RoundedLoops;
import java.lang.foreign.Arena;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The kernels that are emitted for this processor. Their code is freed when nobody refers to them
 * any more.
 */
public final class EmittedKernels {

  private static final Logger LOG = LoggerFactory.getLogger(EmittedKernels.class);

  private final RoundedLoops rounded;
  private final AttentionLoops attention;

  private EmittedKernels(RoundedLoops rounded, AttentionLoops attention) {
    this.rounded = rounded;
    this.attention = attention;
  }

  /**
   * Makes the kernels.
   *
   * @param kernels what decodes quantised weights and attends few queries
   * @return nothing, after a line in the log at level debug, if the processor has not what they
   *     need, or if the system or the JVM does not let code be made
   */
  public static Optional<EmittedKernels> make(Kernels kernels) {
    String missing = missing();
    if (missing.isEmpty()) {
      try {
        if (CpuFeatures.ask().bf16()) {
          var functions = new Bf16Functions(Arena.ofAuto());
          return Optional.of(
              new EmittedKernels(
                  new Bf16Loops(kernels, functions), new Bf16Attention(kernels, functions)));
        }
        missing = "the processor has no avx512_bf16";
      } catch (ExecutableMemory.Refused e) {
        missing = String.valueOf(e.getMessage());
      }
    }
    LOG.debug("No kernels are emitted, because {}", missing);
    return Optional.empty();
  }

  /** Returns what is missing for code to be made at all, or nothing. */
  private static String missing() {
    String architecture = System.getProperty("os.arch", "");
    if (!architecture.equals("amd64") && !architecture.equals("x86_64")) {
      return "the processor is a " + architecture;
    }
    Module module = EmittedKernels.class.getModule();
    return module.isNativeAccessEnabled()
        ? ""
        : "Java was not started with --enable-native-access="
            + (module.isNamed() ? module.getName() : "ALL-UNNAMED");
  }

  /** Returns a short name for listings. */
  public String name() {
    return "emitted (avx512_bf16)";
  }

  /** Returns the products of many inputs. */
  public RoundedLoops rounded() {
    return rounded;
  }

  /** Returns attention whose products are of numbers rounded to bf16. */
  public AttentionLoops attention() {
    return attention;
  }
}
