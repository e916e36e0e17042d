package io.github.vlm4j.text.decoder;

import io.github.vlm4j.core.model.TokenPositions;
import io.github.vlm4j.core.tensor.Tensor;

/**
 * The rotary angles of Qwen's first generation, made for texts longer than those it was trained on.
 * Dynamic NTK: with L the trained length, a prompt of up to {@code 2ᵏ·L} tokens has its base
 * multiplied by {@code (2ᵏ⁺¹ − 1)^(d/(d−2))}, which the answer keeps however long it grows. Log-n
 * attention (Su, 2021): the query at position {@code n}, counted from 1, beyond the trained length
 * is multiplied by {@code log n / log L}. Reference: {@code modeling_qwen.py} of Qwen-7B-Chat.
 */
public final class QwenRotary implements RotaryEmbedding {

  private final int headDim;
  private final double theta;
  private final int trainedLength;
  private final boolean dynamicNtk;
  private final boolean logN;

  /**
   * Takes the settings.
   *
   * @param headDim the length of a head; more than 2, and even
   * @param theta the base of the frequencies
   * @param trainedLength the tokens of the longest text in training; at least 2
   * @param dynamicNtk whether the base grows with the prompt
   * @param logN whether queries beyond the trained length grow
   */
  public QwenRotary(
      int headDim, double theta, int trainedLength, boolean dynamicNtk, boolean logN) {
    this.headDim = headDim;
    this.theta = theta;
    this.trainedLength = trainedLength;
    this.dynamicNtk = dynamicNtk;
    this.logN = logN;
  }

  @Override
  public int angles() {
    return headDim / 2;
  }

  @Override
  public void fill(TokenPositions positions, int first, int count, Tensor cos, Tensor sin) {
    fill(positions, first, count, cos, sin, false);
  }

  @Override
  public boolean sameTurns(TokenPositions a, TokenPositions b) {
    return base(a.promptLength()) == base(b.promptLength());
  }

  @Override
  public boolean scalesQueries() {
    return logN;
  }

  @Override
  public void fillQueries(TokenPositions positions, int first, int count, Tensor cos, Tensor sin) {
    fill(positions, first, count, cos, sin, logN);
  }

  private void fill(
      TokenPositions positions, int first, int count, Tensor cos, Tensor sin, boolean scaled) {
    double base = base(positions.promptLength());
    for (int j = 0; j < angles(); j++) {
      float frequency = (float) (1 / Math.pow(base, 2.0 * j / headDim));
      for (int i = 0; i < count; i++) {
        int position = positions.time(first + i);
        float angle = position * frequency;
        double scale = scaled ? queryScale(position) : 1;
        long at = (long) i * angles() + j;
        cos.setFloat(at, (float) (scale * Math.cos(angle)));
        sin.setFloat(at, (float) (scale * Math.sin(angle)));
      }
    }
  }

  private double base(int promptLength) {
    if (!dynamicNtk) {
      return theta;
    }
    int doublings = 0;
    while ((long) trainedLength << doublings < promptLength) {
      doublings++;
    }
    double alpha = Math.pow(2, doublings + 1) - 1;
    return doublings == 0 ? theta : theta * Math.pow(alpha, headDim / (headDim - 2.0));
  }

  private double queryScale(int position) {
    int n = position + 1;
    return n > trainedLength ? Math.log(n) / Math.log(trainedLength) : 1;
  }
}
