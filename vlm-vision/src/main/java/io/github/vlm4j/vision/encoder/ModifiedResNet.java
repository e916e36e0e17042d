package io.github.vlm4j.vision.encoder;

import io.github.vlm4j.core.ModelException;
import io.github.vlm4j.core.graph.Activation;
import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.model.PatchGrid;
import io.github.vlm4j.core.model.VisionEncoder;
import io.github.vlm4j.core.model.VisionFeatures;
import io.github.vlm4j.core.nn.Linear;
import io.github.vlm4j.core.nn.MultiHeadAttention;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.weights.Weight;
import io.github.vlm4j.core.weights.WeightScope;
import io.github.vlm4j.vision.encoder.ModifiedResNetConfig.Reduction;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The convolutional encoder of CLIP (RN50, RN101, RN50x4, RN50x16, RN50x64; Radford et al., 2021):
 * a ResNet with a stem of three convolutions, average pooling before strided convolutions, and a
 * head that pools by attention with the mean of all positions as its query. Reference: OpenAI,
 * {@code clip/model.py}, {@code ModifiedResNet}; open_clip, {@code modified_resnet.py}.
 *
 * <p>Its patches are the positions of the last stage's map, and its hidden states the map behind
 * the stem and behind each stage, {@code [pictures · height · width, channels]}.
 */
public final class ModifiedResNet implements VisionEncoder {

  private static final int CHANNELS = 3;

  private final ModifiedResNetConfig config;
  private final List<FoldedConvolution> stem;
  private final List<List<Bottleneck>> stages = new ArrayList<>();
  private final AttentionPool pool;

  /**
   * Takes the parameters.
   *
   * @param scope where they begin: {@code visual}
   */
  public ModifiedResNet(ModifiedResNetConfig config, WeightScope scope) {
    this.config = config;
    int width = config.width();
    stem =
        List.of(
            new FoldedConvolution(scope, "conv1", "bn1", CHANNELS, width / 2, 3, 2),
            new FoldedConvolution(scope, "conv2", "bn2", width / 2, width / 2, 3, 1),
            new FoldedConvolution(scope, "conv3", "bn3", width / 2, width, 3, 1));
    int in = width;
    for (int stage = 0; stage < ModifiedResNetConfig.STAGES; stage++) {
      int planes = width << stage;
      List<Bottleneck> blocks = new ArrayList<>();
      for (int i = 0; i < config.layers().get(stage); i++) {
        int stride = stage > 0 && i == 0 ? 2 : 1;
        WeightScope block = scope.at("layer" + (stage + 1) + "." + i);
        blocks.add(new Bottleneck(block, in, planes, stride, config.reduction()));
        in = Bottleneck.EXPANSION * planes;
      }
      stages.add(List.copyOf(blocks));
    }
    pool = new AttentionPool(config, scope.at("attnpool"));
  }

  /** Returns the channels of the last stage's map. */
  @Override
  public int hiddenSize() {
    return config.featureSize();
  }

  /** Returns {@code [pictures, height, width, 3]}, in pixels. */
  @Override
  public Shape pixelShape(PatchGrid grid) {
    int factor = config.reduction().factor();
    return Shape.of(
        grid.frames(), (long) factor * grid.height(), (long) factor * grid.width(), CHANNELS);
  }

  /**
   * {@inheritDoc}
   *
   * @throws ModelException if the grid is not the one that the pooling head has positions for
   */
  @Override
  public VisionFeatures encode(GraphBuilder g, Value pixels, PatchGrid grid) {
    if (grid.height() != config.gridSize() || grid.width() != config.gridSize()) {
      throw new ModelException(
          "This encoder reads pictures of "
              + config.imageSize()
              + "×"
              + config.imageSize()
              + " pixels; a grid of "
              + grid.height()
              + "×"
              + grid.width()
              + " does not fit.");
    }
    Value x = pixels;
    for (int i = 0; i < stem.size(); i++) {
      GraphBuilder layer = g.at("conv" + (i + 1));
      x = layer.activate(Activation.RELU, stem.get(i).apply(layer, x));
    }
    if (config.reduction() == Reduction.ANTI_ALIASED) {
      x = g.at("avgpool").averagePool(x, 2, 2);
    }
    List<Value> maps = new ArrayList<>(List.of(rows(x)));
    for (int stage = 0; stage < stages.size(); stage++) {
      for (int i = 0; i < stages.get(stage).size(); i++) {
        x = stages.get(stage).get(i).apply(g.at("layer" + (stage + 1) + "." + i), x);
      }
      maps.add(rows(x));
    }
    Value pooled = pool.pool(g.at("attnpool"), x);
    return new VisionFeatures(
        maps,
        List.of(),
        rows(x),
        0,
        Optional.of(pooled),
        Optional.of(pooled),
        Optional.of(pool.alone(g.at("attnpool"), x)));
  }

  private static Value rows(Value map) {
    return map.reshape(-1, map.shape().last());
  }

  /** A 1×1, a 3×3 and a 1×1 convolution beside a shortcut. */
  private static final class Bottleneck {
    static final int EXPANSION = 4;

    private final int pooling;
    private final FoldedConvolution conv1;
    private final FoldedConvolution conv2;
    private final FoldedConvolution conv3;
    private final @Nullable FoldedConvolution downsample;

    Bottleneck(WeightScope scope, int in, int planes, int stride, Reduction reduction) {
      boolean antiAliased = reduction == Reduction.ANTI_ALIASED;
      int convStride = antiAliased ? 1 : stride;
      pooling = antiAliased ? stride : 1;
      int out = EXPANSION * planes;
      conv1 = new FoldedConvolution(scope, "conv1", "bn1", in, planes, 1, 1);
      conv2 = new FoldedConvolution(scope, "conv2", "bn2", planes, planes, 3, convStride);
      conv3 = new FoldedConvolution(scope, "conv3", "bn3", planes, out, 1, 1);
      downsample =
          stride > 1 || in != out
              ? new FoldedConvolution(scope, "downsample.0", "downsample.1", in, out, 1, convStride)
              : null;
    }

    Value apply(GraphBuilder g, Value x) {
      Value h = g.activate(Activation.RELU, conv1.apply(g.at("conv1"), x));
      h = g.activate(Activation.RELU, conv2.apply(g.at("conv2"), h));
      h = conv3.apply(g.at("conv3"), pooled(g, h));
      Value shortcut = downsample == null ? x : downsample.apply(g.at("downsample"), pooled(g, x));
      return g.activate(Activation.RELU, h.plus(shortcut));
    }

    private Value pooled(GraphBuilder g, Value x) {
      return pooling > 1 ? g.averagePool(x, pooling, pooling) : x;
    }
  }

  /** Attention of the mean position to itself and all others. */
  private static final class AttentionPool {
    private final int positions;
    private final Weight positionalEmbedding;
    private final MultiHeadAttention attention;

    AttentionPool(ModifiedResNetConfig config, WeightScope scope) {
      int size = config.featureSize();
      positions = config.gridSize() * config.gridSize();
      scope.named("AttentionPool2d(" + size + ", heads=" + config.heads() + ")");
      positionalEmbedding = scope.get("positional_embedding", positions + 1L, size);
      attention =
          new MultiHeadAttention(
              Linear.of(scope.at("q_proj"), size, size),
              Linear.of(scope.at("k_proj"), size, size),
              Linear.of(scope.at("v_proj"), size, size),
              Linear.of(scope.at("c_proj"), size, config.outputDim()),
              config.heads());
    }

    Value pool(GraphBuilder g, Value map) {
      int pictures = (int) map.shape().dim(0);
      long size = map.shape().last();
      Value means = g.averagePool(map, (int) map.shape().dim(1), (int) map.shape().dim(2));
      Value meanRows = means.reshape(pictures, size);
      Value rows = rows(map);
      Value[] parts = new Value[2 * pictures];
      for (int i = 0; i < pictures; i++) {
        parts[2 * i] = meanRows.rows(i, i + 1L);
        parts[2 * i + 1] = rows.rows((long) i * positions, (i + 1L) * positions);
      }
      Value all =
          g.concat(parts)
              .reshape(pictures, positions + 1L, size)
              .plus(g.parameter(positionalEmbedding))
              .reshape(-1, size);
      Value queries = meanRows.plus(g.parameter(positionalEmbedding.rows(0, 1).reshape(size)));
      return attention.cross(
          g,
          queries,
          all,
          Collections.nCopies(pictures, 1),
          Collections.nCopies(pictures, positions + 1));
    }

    /** What would be pooled if there were no other position. */
    Value alone(GraphBuilder g, Value map) {
      return attention.alone(g, rows(map));
    }
  }
}
