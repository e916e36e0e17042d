package io.github.vlm4j.models.clip;

/** How logits become probabilities. */
public enum Scoring {
  /** CLIP: the texts compete for a picture, {@code softmax} over them. */
  SOFTMAX {
    @Override
    float[] probabilities(float[] logits) {
      double max = Double.NEGATIVE_INFINITY;
      for (float logit : logits) {
        max = Math.max(max, logit);
      }
      double[] powers = new double[logits.length];
      double sum = 0;
      for (int i = 0; i < logits.length; i++) {
        powers[i] = Math.exp(logits[i] - max);
        sum += powers[i];
      }
      float[] probabilities = new float[logits.length];
      for (int i = 0; i < logits.length; i++) {
        probabilities[i] = (float) (powers[i] / sum);
      }
      return probabilities;
    }
  },
  /** SigLIP: each pair stands for itself, {@code 1 / (1 + e^−logit)}. */
  SIGMOID {
    @Override
    float[] probabilities(float[] logits) {
      float[] probabilities = new float[logits.length];
      for (int i = 0; i < logits.length; i++) {
        probabilities[i] = (float) (1 / (1 + Math.exp(-logits[i])));
      }
      return probabilities;
    }
  };

  /** Returns the probabilities of one picture's logits. */
  abstract float[] probabilities(float[] logits);
}
