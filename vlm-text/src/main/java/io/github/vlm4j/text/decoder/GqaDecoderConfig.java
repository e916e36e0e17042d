package io.github.vlm4j.text.decoder;

import io.github.vlm4j.core.graph.Activation;
import io.github.vlm4j.core.graph.RopePairing;
import io.github.vlm4j.core.model.DecoderGeometry;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What tells one grouped-query decoder from another.
 *
 * @param vocabularySize the number of tokens
 * @param hiddenSize the length of an embedding
 * @param layers the number of layers
 * @param attention the attention of each layer
 * @param mlp the MLP of each layer that has no experts
 * @param experts what the other layers have instead; empty if there are none
 * @param rmsNormEps what is added to mean squares
 * @param contextLength the most positions it was made for
 * @param tiedEmbeddings whether the head is the embedding table
 */
public record GqaDecoderConfig(
    int vocabularySize,
    int hiddenSize,
    int layers,
    Attention attention,
    Mlp mlp,
    Optional<Experts> experts,
    float rmsNormEps,
    int contextLength,
    boolean tiedEmbeddings) {

  /** A decoder without experts. */
  public GqaDecoderConfig(
      int vocabularySize,
      int hiddenSize,
      int layers,
      Attention attention,
      Mlp mlp,
      float rmsNormEps,
      int contextLength,
      boolean tiedEmbeddings) {
    this(
        vocabularySize,
        hiddenSize,
        layers,
        attention,
        mlp,
        Optional.empty(),
        rmsNormEps,
        contextLength,
        tiedEmbeddings);
  }

  /**
   * The attention of a layer.
   *
   * @param heads the query heads
   * @param keyValueHeads the key/value heads; they divide the query heads
   * @param headDim the length of one head, whatever {@code hiddenSize / heads} is
   * @param inputBias whether the projections of queries, keys and values have biases
   * @param outputBias whether the last projection has one
   * @param queryKeyNorm whether each head's query and key are normalised before they are turned
   * @param pairing which dimensions of a head turn together
   * @param windows for each layer how many of the last positions a row sees, its own included; 0
   *     for all; an empty list means all in every layer
   */
  public record Attention(
      int heads,
      int keyValueHeads,
      int headDim,
      boolean inputBias,
      boolean outputBias,
      boolean queryKeyNorm,
      RopePairing pairing,
      List<Integer> windows) {

    /** Keeps an immutable copy. */
    public Attention {
      windows = List.copyOf(windows);
    }

    /** Returns the length of all queries of a row. */
    public int queryWidth() {
      return heads * headDim;
    }

    /** Returns the length of all keys, or values, of a row. */
    public int keyWidth() {
      return keyValueHeads * headDim;
    }

    /** Returns how many of the last positions a row of a layer sees; 0 for all. */
    public int window(int layer) {
      return windows.isEmpty() ? 0 : windows.get(layer);
    }
  }

  /**
   * The gated MLP of a layer.
   *
   * @param intermediateSize its middle
   * @param hiddenAct the gate's non-linearity
   * @param bias whether its projections have biases
   */
  public record Mlp(int intermediateSize, Activation hiddenAct, boolean bias) {}

  /**
   * A layer's mixture of experts, gated MLPs with the activation of {@link Mlp}, of which each row
   * uses a few (Shazeer et al., 2017).
   *
   * @param count the experts to choose from
   * @param chosen how many of them a row uses
   * @param intermediateSize the middle of an expert
   * @param normalised whether the shares of the chosen ones are made to add up to 1
   * @param sharedIntermediateSize the middle of the experts that every row uses, too, where {@link
   *     DecoderNames.Experts#shared} names any
   * @param denseLayers the layers that have an MLP all the same
   */
  public record Experts(
      int count,
      int chosen,
      int intermediateSize,
      boolean normalised,
      int sharedIntermediateSize,
      Set<Integer> denseLayers) {

    /** Keeps an immutable copy. */
    public Experts {
      denseLayers = Set.copyOf(denseLayers);
    }
  }

  /** Returns the experts of a layer; empty if it has an MLP. */
  public Optional<Experts> experts(int layer) {
    return experts.filter(e -> !e.denseLayers().contains(layer));
  }

  /** Returns the sizes that a decoder's callers need. */
  public DecoderGeometry geometry() {
    return new DecoderGeometry(
        vocabularySize,
        hiddenSize,
        layers,
        attention.keyValueHeads(),
        attention.headDim(),
        contextLength);
  }
}
