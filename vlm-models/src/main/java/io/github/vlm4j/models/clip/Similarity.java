package io.github.vlm4j.models.clip;

import java.util.List;

/**
 * How well pictures and texts match.
 *
 * @param scoring how logits become probabilities
 * @param logitsPerImage {@code [pictures][texts]}: the scaled cosines of their embeddings, plus a
 *     bias if the model has one
 */
@SuppressWarnings("ArrayRecordComponent") // A matrix is handed over, not compared.
public record Similarity(Scoring scoring, float[][] logitsPerImage) {

  /**
   * Compares embeddings.
   *
   * @param images normalised embeddings of pictures
   * @param texts normalised embeddings of texts
   * @param scale what the cosines are multiplied with
   * @param bias what is then added
   */
  public static Similarity of(
      Scoring scoring, List<float[]> images, List<float[]> texts, float scale, float bias) {
    float[][] logits = new float[images.size()][texts.size()];
    for (int i = 0; i < logits.length; i++) {
      for (int j = 0; j < logits[i].length; j++) {
        logits[i][j] = (float) (dot(images.get(i), texts.get(j)) * scale + bias);
      }
    }
    return new Similarity(scoring, logits);
  }

  private static double dot(float[] a, float[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += (double) a[i] * b[i];
    }
    return sum;
  }

  /** Returns the logits the other way round, {@code [texts][pictures]}. */
  public float[][] logitsPerText() {
    int texts = logitsPerImage.length == 0 ? 0 : logitsPerImage[0].length;
    float[][] turned = new float[texts][logitsPerImage.length];
    for (int i = 0; i < logitsPerImage.length; i++) {
      for (int j = 0; j < texts; j++) {
        turned[j][i] = logitsPerImage[i][j];
      }
    }
    return turned;
  }

  /** Returns the probabilities of each picture's texts, {@code [pictures][texts]}. */
  public float[][] probabilities() {
    float[][] probabilities = new float[logitsPerImage.length][];
    for (int i = 0; i < probabilities.length; i++) {
      probabilities[i] = scoring.probabilities(logitsPerImage[i]);
    }
    return probabilities;
  }

  /**
   * Returns the symmetric contrastive loss of CLIP (Radford et al., 2021, figure 3): the mean of
   * the cross-entropies of finding each picture's text and each text's picture, where text i
   * belongs to picture i.
   *
   * @throws IllegalStateException if there are not as many pictures as texts
   */
  public double contrastiveLoss() {
    requireSquare();
    return (crossEntropy(logitsPerImage) + crossEntropy(logitsPerText())) / 2;
  }

  /**
   * Returns the sigmoid loss of SigLIP (Zhai et al., 2023, algorithm 1), where text i belongs to
   * picture i: the sum of {@code −log σ(±logit)} over all pairs, divided by the pictures.
   *
   * @throws IllegalStateException if there are not as many pictures as texts
   */
  public double sigmoidLoss() {
    requireSquare();
    double sum = 0;
    for (int i = 0; i < logitsPerImage.length; i++) {
      for (int j = 0; j < logitsPerImage.length; j++) {
        double signed = i == j ? logitsPerImage[i][j] : -logitsPerImage[i][j];
        sum += Math.max(-signed, 0) + Math.log1p(Math.exp(-Math.abs(signed)));
      }
    }
    return sum / logitsPerImage.length;
  }

  private void requireSquare() {
    int images = logitsPerImage.length;
    if (images == 0 || logitsPerImage[0].length != images) {
      throw new IllegalStateException(
          "A loss needs as many texts as pictures, at least one, not "
              + images
              + " and "
              + (images == 0 ? 0 : logitsPerImage[0].length));
    }
  }

  private static double crossEntropy(float[][] logits) {
    double sum = 0;
    for (int i = 0; i < logits.length; i++) {
      double max = Double.NEGATIVE_INFINITY;
      for (float logit : logits[i]) {
        max = Math.max(max, logit);
      }
      double powers = 0;
      for (float logit : logits[i]) {
        powers += Math.exp(logit - max);
      }
      sum += max + Math.log(powers) - logits[i][i];
    }
    return sum / logits.length;
  }
}
