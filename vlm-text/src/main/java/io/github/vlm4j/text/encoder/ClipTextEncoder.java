package io.github.vlm4j.text.encoder;

import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.model.TextEncoder;
import io.github.vlm4j.core.model.TextFeatures;
import io.github.vlm4j.core.nn.EncoderBlock;
import io.github.vlm4j.core.nn.LayerNorm;
import io.github.vlm4j.core.nn.Linear;
import io.github.vlm4j.core.weights.Weight;
import io.github.vlm4j.core.weights.WeightScope;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The text transformer of CLIP (Radford et al., 2021): learned positions, causal attention, a final
 * norm, and the token that ends the text projected to the space shared with pictures. References:
 * transformers, {@code models/clip/modeling_clip.py}, {@code CLIPTextTransformer}; OpenAI, {@code
 * clip/model.py}, {@code CLIP.encode_text}.
 */
public final class ClipTextEncoder implements TextEncoder {

  private final TextEncoderConfig config;
  private final EndOfText endOfText;
  private final TextEmbedding embedding;
  private final List<EncoderBlock> blocks;
  private final LayerNorm finalNorm;
  private final @Nullable Linear projection;

  private ClipTextEncoder(
      TextEncoderConfig config,
      EndOfText endOfText,
      TextEmbedding embedding,
      List<EncoderBlock> blocks,
      LayerNorm finalNorm,
      @Nullable Linear projection) {
    this.config = config;
    this.endOfText = endOfText;
    this.embedding = embedding;
    this.blocks = List.copyOf(blocks);
    this.finalNorm = finalNorm;
    this.projection = projection;
  }

  /**
   * Takes the parameters of a Hugging Face checkpoint.
   *
   * @param scope where they begin: {@code text_model}
   * @param projection from the last token to the shared space, or null
   */
  public static ClipTextEncoder of(
      TextEncoderConfig config,
      EndOfText endOfText,
      WeightScope scope,
      @Nullable Linear projection) {
    int hidden = config.hiddenSize();
    Weight tokens =
        scope.at("embeddings.token_embedding").get("weight", config.vocabularySize(), hidden);
    Weight positions =
        scope.at("embeddings.position_embedding").get("weight", config.contextLength(), hidden);
    List<EncoderBlock> blocks = new ArrayList<>();
    for (int i = 0; i < config.layers(); i++) {
      blocks.add(EncoderBlock.of(scope.at("encoder.layers." + i), config.blocks()));
    }
    LayerNorm finalNorm = LayerNorm.of(scope.at("final_layer_norm"), hidden, config.blocks().eps());
    return new ClipTextEncoder(
        config, endOfText, new TextEmbedding(tokens, positions), blocks, finalNorm, projection);
  }

  /**
   * Takes the parameters of a state dict of OpenAI's CLIP or open_clip.
   *
   * @param scope where they begin: the root
   * @param projectionDim the dimension of the shared space
   */
  public static ClipTextEncoder openAi(
      TextEncoderConfig config, WeightScope scope, int projectionDim) {
    int hidden = config.hiddenSize();
    Weight tokens = scope.at("token_embedding").get("weight", config.vocabularySize(), hidden);
    Weight positions = scope.get("positional_embedding", config.contextLength(), hidden);
    List<EncoderBlock> blocks = new ArrayList<>();
    for (int i = 0; i < config.layers(); i++) {
      WeightScope block = scope.at("transformer.resblocks." + i);
      blocks.add(EncoderBlock.openAi(block, config.blocks()));
    }
    LayerNorm finalNorm = LayerNorm.of(scope.at("ln_final"), hidden, config.blocks().eps());
    Linear projection = Linear.transposed(scope, "text_projection", hidden, projectionDim);
    return new ClipTextEncoder(
        config,
        EndOfText.greatest(),
        new TextEmbedding(tokens, positions),
        blocks,
        finalNorm,
        projection);
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
    return endOfText.find(ids);
  }

  @Override
  public boolean seesAhead() {
    return false;
  }

  @Override
  public TextFeatures encode(GraphBuilder g, Value ids, int texts, Value pooled) {
    int length = (int) ids.shape().dim(0) / texts;
    Value embedded = embedding.apply(g.at("embeddings"), ids, texts);
    EncoderBlock.Stack stack =
        EncoderBlock.stack(
            g.at("encoder"), blocks, embedded, true, Collections.nCopies(texts, length));
    GraphBuilder norm = g.at("final_layer_norm");
    // The norm is each row's own affair, so the rows nobody asks for need none.
    Value ends = finalNorm.apply(norm, norm.gather(stack.last(), pooled));
    return new TextFeatures(
        stack.hiddenStates(),
        stack.attentions(),
        finalNorm.apply(norm, stack.last()),
        ends,
        Optional.ofNullable(projection).map(to -> to.apply(g.at("text_projection"), ends)));
  }
}
