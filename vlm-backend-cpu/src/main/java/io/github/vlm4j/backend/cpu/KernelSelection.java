package io.github.vlm4j.backend.cpu;

import io.github.vlm4j.backend.cpu.kernel.Kernels;
import io.github.vlm4j.backend.cpu.scalar.ScalarKernels;
import io.github.vlm4j.backend.cpu.vector.VectorKernels;
import io.github.vlm4j.core.BackendException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Chooses the kernels: the vector form where the JVM has the Vector API, which is an incubating
 * module that has to be asked for, and the scalar form elsewhere. Nothing that links to that module
 * is loaded before it is known to be needed.
 *
 * <p>Vector code is many times slower than plain loops until it has been compiled, which takes a
 * second or two. A small model has answered by then, so it is given the plain loops. The choice is
 * by the model's size and not by the work done so far, as the two forms sum in different orders:
 * the same question gets the same answer, whatever was asked before.
 */
final class KernelSelection {

  /** The system property that sets the width in bits. */
  static final String PROPERTY = "vlm.cpu.vector.bits";

  /** The system property that switches emitted kernels off. */
  static final String EMITTED_PROPERTY = "vlm.cpu.emitted";

  /**
   * Weights of fewer bytes are a small model's: reading a prompt of 512 tokens with plain loops
   * takes no longer than vector code takes to be compiled.
   */
  static final long SMALL_WEIGHTS = 16L << 20;

  private static final String VECTOR_MODULE = "jdk.incubator.vector";

  private KernelSelection() {}

  /**
   * Returns the kernels for this JVM and its system properties.
   *
   * @param weightBytes the bytes of the model's weights; 0 if they are not known
   * @throws BackendException if the property names no width, or one this JVM cannot do
   */
  static Kernels select(long weightBytes) {
    return isSmall(weightBytes)
        ? new ScalarKernels()
        : select(
            System.getProperty(PROPERTY), ModuleLayer.boot().findModule(VECTOR_MODULE).isPresent());
  }

  /**
   * Returns the kernels for a width.
   *
   * @param bits what the system property says: 128, 256, 512 or 0; preferred or null for the width
   *     that suits the processor. The vector form reads the property itself, once.
   * @param hasVectorModule whether the JVM has the Vector API
   */
  static Kernels select(@Nullable String bits, boolean hasVectorModule) {
    if ("0".equals(bits)) {
      return new ScalarKernels();
    }
    if (hasVectorModule) {
      return Vector.kernels();
    }
    if (bits == null) {
      return Scalar.AFTER_WARNING;
    }
    throw new BackendException(
        "The system property "
            + PROPERTY
            + "="
            + bits
            + " needs the Vector API; start Java with "
            + "--add-modules "
            + VECTOR_MODULE
            + ", or set it to 0 for plain loops.");
  }

  /**
   * Begins to make the emitted kernels for this JVM and its system properties. There are none if
   * they are switched off, plain loops are asked for or chosen, or something that they need is
   * missing.
   *
   * @param kernels what they are used beside
   * @throws BackendException if the property says neither {@code on} nor {@code off}
   */
  static Emission emission(Kernels kernels) {
    boolean wanted = wantsEmission(System.getProperty(EMITTED_PROPERTY, "on"));
    return wanted && !(kernels instanceof ScalarKernels)
        ? Emission.begin(kernels)
        : Emission.of(null);
  }

  /**
   * Returns whether kernels are to be emitted.
   *
   * @param property what the property says
   * @throws BackendException if it says neither {@code on} nor {@code off}
   */
  static boolean wantsEmission(String property) {
    return switch (property) {
      case "off" -> false;
      case "on" -> true;
      default ->
          throw new BackendException(
              "The system property "
                  + EMITTED_PROPERTY
                  + " is \""
                  + property
                  + "\"; set it to on or off, or leave it out.");
    };
  }

  private static boolean isSmall(long weightBytes) {
    return System.getProperty(PROPERTY) == null && weightBytes > 0 && weightBytes < SMALL_WEIGHTS;
  }

  /** Loaded when there are no vectors and nobody chose that: says so once. */
  private static final class Scalar {

    private static final Logger LOG = LoggerFactory.getLogger(KernelSelection.class);

    static final Kernels AFTER_WARNING = afterWarning();

    private static Kernels afterWarning() {
      LOG.warn(
          "The Vector API is not available, so the cpu backend computes with plain loops, many"
              + " times slower; start Java with --add-modules {}",
          VECTOR_MODULE);
      return new ScalarKernels();
    }
  }

  /** Loaded when the module is there: the only code that links to the vector package. */
  private static final class Vector {

    static Kernels kernels() {
      return new VectorKernels();
    }
  }
}
