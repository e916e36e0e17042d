package io.github.vlm4j.text.decoder;

import io.github.vlm4j.core.checkpoint.ConfigNode;

/**
 * Llama 3.1's stretching: pairs whose wavelength fits {@code highFreqFactor} times into the
 * original length turn as before, those that fit less than {@code lowFreqFactor} times turn more
 * slowly by the factor, and those between by a mixture of the two.
 *
 * @param factor by which long wavelengths are stretched
 * @param lowFreqFactor below how many turns a pair is stretched in full
 * @param highFreqFactor above how many turns it is left alone; more than {@code lowFreqFactor}
 * @param originalLength the length trained on before stretching, in positions
 */
record Llama3RopeScaling(
    double factor, double lowFreqFactor, double highFreqFactor, int originalLength)
    implements RopeScaling {

  static Llama3RopeScaling read(ConfigNode rope, int originalLength) {
    double low = rope.positiveDouble("low_freq_factor");
    double high = rope.positiveDouble("high_freq_factor");
    if (high <= low) {
      throw rope.invalid("high_freq_factor", "more than low_freq_factor, " + low);
    }
    return new Llama3RopeScaling(rope.positiveDouble("factor"), low, high, originalLength);
  }

  @Override
  public float[] frequencies(float[] powers) {
    float stretch = (float) factor;
    float low = (float) lowFreqFactor;
    float longest = (float) (originalLength / lowFreqFactor);
    float shortest = (float) (originalLength / highFreqFactor);
    float span = (float) (highFreqFactor - lowFreqFactor);
    float[] frequencies = new None().frequencies(powers);
    for (int j = 0; j < frequencies.length; j++) {
      float frequency = frequencies[j];
      float wavelength = 1 / frequency * (float) (2 * Math.PI);
      if (wavelength > longest) {
        frequencies[j] = frequency / stretch;
      } else if (wavelength >= shortest) {
        float smooth = (1 / wavelength * originalLength - low) / span;
        frequencies[j] = (1 - smooth) * frequency / stretch + smooth * frequency;
      }
    }
    return frequencies;
  }
}
