package io.github.vlm4j.backend.cpu.vector;

import io.github.vlm4j.core.BackendException;
import jdk.incubator.vector.FloatVector;

/** Decides how many bits wide vectors are. */
final class VectorWidth {

  /** The system property that overrides the width that suits the processor. */
  static final String PROPERTY = "vlm.cpu.vector.bits";

  private VectorWidth() {}

  /**
   * Returns 128, 256 or 512: what {@value #PROPERTY} says, or else the widest that the processor
   * supports.
   *
   * @throws BackendException if the property says something else
   */
  static int bits() {
    String wanted = System.getProperty(PROPERTY, "");
    return switch (wanted) {
      case "128" -> 128;
      case "256" -> 256;
      case "512" -> 512;
      case "", "preferred" -> Math.clamp(FloatVector.SPECIES_PREFERRED.vectorBitSize(), 128, 512);
      default ->
          throw new BackendException(
              "The system property "
                  + PROPERTY
                  + " is \""
                  + wanted
                  + "\"; set it to 128, 256, 512 or preferred, or leave it out.");
    };
  }
}
