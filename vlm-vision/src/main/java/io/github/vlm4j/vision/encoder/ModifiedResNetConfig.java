package io.github.vlm4j.vision.encoder;

import java.util.List;

/**
 * The sizes of a {@link ModifiedResNet}.
 *
 * @param layers the bottlenecks of each of the four stages
 * @param width the channels behind the stem; the last stage has 32 times as many
 * @param heads the attention heads of the pooling head
 * @param gridSize the side of the last stage's map that the pooling head has positions for
 * @param outputDim the dimension of the embedding
 * @param reduction how the resolution is reduced
 */
public record ModifiedResNetConfig(
    List<Integer> layers, int width, int heads, int gridSize, int outputDim, Reduction reduction) {

  /** The stages after the stem. */
  public static final int STAGES = 4;

  /** How a {@link ModifiedResNet} reduces the resolution. */
  public enum Reduction {
    /** As OpenAI's: average pooling after the stem and before strided convolutions, 32 in all. */
    ANTI_ALIASED(32),
    /**
     * As tutorials simplify it: no pooling at all, the bottleneck's 3×3 convolution and the
     * shortcut's 1×1 have the stride, 16 in all.
     */
    STRIDED(16);

    private final int factor;

    Reduction(int factor) {
      this.factor = factor;
    }

    /** Returns how many pixels along a side become one position of the last map. */
    public int factor() {
      return factor;
    }
  }

  /** Checks that there are four stages and keeps an immutable copy. */
  public ModifiedResNetConfig {
    layers = List.copyOf(layers);
    if (layers.size() != STAGES) {
      throw new IllegalArgumentException("A ModifiedResNet has four stages, not " + layers);
    }
  }

  /** Returns the channels of the last stage's map. */
  public int featureSize() {
    return 32 * width;
  }

  /** Returns the side of the pictures it reads, in pixels. */
  public int imageSize() {
    return gridSize * reduction.factor();
  }
}
