package io.github.vlm4j.backend.cpu.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * The vector width of this process. C2 only emits vector instructions for species that are
 * constants, hence one width per process instead of one per instance.
 */
final class Lanes {

  /** Vectors of floats. */
  static final VectorSpecies<Float> F32;

  /** Vectors of as many ints. */
  static final VectorSpecies<Integer> I32;

  /** Vectors of as many shorts, half as wide. */
  static final VectorSpecies<Short> I16;

  /** The floats of a vector. */
  static final int COUNT;

  static {
    switch (VectorWidth.bits()) {
      case 128 -> {
        F32 = FloatVector.SPECIES_128;
        I32 = IntVector.SPECIES_128;
        I16 = ShortVector.SPECIES_64;
      }
      case 256 -> {
        F32 = FloatVector.SPECIES_256;
        I32 = IntVector.SPECIES_256;
        I16 = ShortVector.SPECIES_128;
      }
      default -> {
        F32 = FloatVector.SPECIES_512;
        I32 = IntVector.SPECIES_512;
        I16 = ShortVector.SPECIES_256;
      }
    }
    COUNT = F32.length();
  }

  private Lanes() {}
}
