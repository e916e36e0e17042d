package io.github.vlm4j.text.generate;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The cross-entropy of a sequence of logits and the tokens that should have come, as language
 * models are trained with it: {@code −1/n · Σ log softmax(logits[i])[targets[i]]}, where the sum
 * and n leave out the positions whose target is {@link #IGNORED}. It is PyTorch's {@code
 * cross_entropy} with its defaults. Rows are given one after the other, so that the logits of a
 * whole sequence need never be held at once.
 */
public final class CrossEntropy {

  /** The target of positions that do not count, such as those of a prompt or a picture. */
  public static final int IGNORED = -100;

  private final int[] targets;
  private final List<Double> logprobs = new ArrayList<>();

  /**
   * Takes what should have come.
   *
   * @param targets for each position the token after it, or {@link #IGNORED}
   */
  public CrossEntropy(int[] targets) {
    this.targets = targets.clone();
  }

  /**
   * Returns the targets of a sequence of which only the end counts: each token's target is the next
   * one, but {@link #IGNORED} as long as that is before the first that counts, and after the last.
   *
   * @param ids the tokens of the sequence
   * @param first the index of the first token that counts, at least 1 as nothing foretells the
   *     first of all
   */
  public static int[] nextTokens(int[] ids, int first) {
    if (first < 1 || first > ids.length) {
      throw new IllegalArgumentException(
          "Token " + first + " of " + ids.length + " cannot be the first that is foretold");
    }
    int[] targets = new int[ids.length];
    Arrays.fill(targets, IGNORED);
    System.arraycopy(ids, first, targets, first - 1, ids.length - first);
    return targets;
  }

  /**
   * Takes the logits of a position that was not given yet; one without a target is passed over.
   *
   * @param position the position in the sequence
   * @param logits {@code [vocabulary]}; not kept
   */
  public void add(int position, float[] logits) {
    int target = targets[position];
    if (target != IGNORED) {
      logprobs.add(TokenLogprob.of(logits, target, 0).logprob());
    }
  }

  /** Returns the log-probabilities of the targets that counted, in the order of the rows. */
  public List<Double> logprobs() {
    return List.copyOf(logprobs);
  }

  /** Returns the mean over the positions that counted; NaN if there was none, as in PyTorch. */
  public double loss() {
    return -logprobs.stream().mapToDouble(Double::doubleValue).sum() / logprobs.size();
  }
}
