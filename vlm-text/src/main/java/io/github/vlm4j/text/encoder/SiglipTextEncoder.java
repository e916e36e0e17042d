package io.github.vlm4j.text.encoder;

import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.model.TextEncoder;
import io.github.vlm4j.core.model.TextFeatures;
import io.github.vlm4j.core.nn.EncoderBlock;
import io.github.vlm4j.core.nn.LayerNorm;
import io.github.vlm4j.core.nn.Linear;
import io.github.vlm4j.core.weights.WeightScope;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;

/**
 * The text transformer of SigLIP (Zhai et al., 2023) and SigLIP 2: every token sees every other,
 * padding too, and the last one stands for the text. Reference: transformers, {@code
 * models/siglip/modeling_siglip.py}, {@code SiglipTextTransformer}.
 */
public final class SiglipTextEncoder implements TextEncoder {

  private final TextEncoderConfig config;
  private final TextEmbedding embedding;
  private final List<EncoderBlock> blocks = new ArrayList<>();
  private final LayerNorm finalNorm;
  private final Linear head;

  /**
   * Takes the parameters.
   *
   * @param scope where they begin: {@code text_model}
   * @param projectionDim the dimension of the space shared with pictures
   */
  public SiglipTextEncoder(TextEncoderConfig config, WeightScope scope, int projectionDim) {
    this.config = config;
    int hidden = config.hiddenSize();
    WeightScope embeddings = scope.at("embeddings");
    embedding =
        new TextEmbedding(
            embeddings.at("token_embedding").get("weight", config.vocabularySize(), hidden),
            embeddings.at("position_embedding").get("weight", config.contextLength(), hidden));
    for (int i = 0; i < config.layers(); i++) {
      blocks.add(EncoderBlock.of(scope.at("encoder.layers." + i), config.blocks()));
    }
    finalNorm = LayerNorm.of(scope.at("final_layer_norm"), hidden, config.blocks().eps());
    head = Linear.of(scope.at("head"), hidden, projectionDim);
  }

  @Override
  public int hiddenSize() {
    return config.hiddenSize();
  }

  @Override
  public int contextLength() {
    return config.contextLength();
  }

  @Override
  public int vocabularySize() {
    return config.vocabularySize();
  }

  @Override
  public int pooledToken(int[] ids) {
    return ids.length - 1;
  }

  @Override
  public boolean seesAhead() {
    return true;
  }

  @Override
  public TextFeatures encode(GraphBuilder g, Value ids, int texts, Value pooled) {
    int length = (int) ids.shape().dim(0) / texts;
    Value embedded = embedding.apply(g.at("embeddings"), ids, texts);
    EncoderBlock.Stack stack =
        EncoderBlock.stack(
            g.at("encoder"), blocks, embedded, false, Collections.nCopies(texts, length));
    GraphBuilder norm = g.at("final_layer_norm");
    Value last = finalNorm.apply(norm, norm.gather(stack.last(), pooled));
    Value projected = head.apply(g.at("head"), last);
    return new TextFeatures(
        stack.hiddenStates(),
        stack.attentions(),
        finalNorm.apply(norm, stack.last()),
        projected,
        Optional.of(projected));
  }
}
