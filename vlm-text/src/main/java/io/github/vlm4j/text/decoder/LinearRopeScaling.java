package io.github.vlm4j.text.decoder;

/**
 * Position interpolation (Chen et al., 2023): all pairs turn more slowly by one factor.
 *
 * @param factor by which texts may be longer
 */
record LinearRopeScaling(float factor) implements RopeScaling {

  @Override
  public float[] frequencies(float[] powers) {
    float[] frequencies = new None().frequencies(powers);
    for (int j = 0; j < frequencies.length; j++) {
      frequencies[j] /= factor;
    }
    return frequencies;
  }
}
