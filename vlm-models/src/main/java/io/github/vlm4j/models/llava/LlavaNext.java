package io.github.vlm4j.models.llava;

import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.model.PatchGrid;
import io.github.vlm4j.core.model.Tiling;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.core.weights.Weight;
import io.github.vlm4j.core.weights.WeightScope;
import io.github.vlm4j.models.family.ModelArchitecture;
import io.github.vlm4j.models.family.VisualEmbeddings;
import io.github.vlm4j.models.family.VisualPath;
import java.util.List;
import java.util.stream.IntStream;

/**
 * LLaVA-NeXT (Liu et al., 2024): LLaVA on a small copy of the picture and on each of its tiles. The
 * decoder reads the copy, then all tiles together line by line, without their padding and with a
 * learned embedding at the end of each line. Reference: transformers, {@code
 * models/llava_next/modeling_llava_next.py}.
 */
final class LlavaNext implements VisualPath {

  private final LlavaNextConfig config;
  private final VisualPath llava;
  private final Weight newline;

  /** Puts a model together. */
  static ModelArchitecture assemble(LlavaNextConfig config, WeightScope weights) {
    ModelArchitecture llava = Llava.assemble(config.llava(), weights);
    int hidden = llava.decoder().geometry().hiddenSize();
    Weight newline = Llava.model(weights).get("image_newline", hidden).reshape(1, hidden);
    return ModelArchitecture.of(
        llava.decoder(), new LlavaNext(config, llava.visual().orElseThrow(), newline));
  }

  private LlavaNext(LlavaNextConfig config, VisualPath llava, Weight newline) {
    this.config = config;
    this.llava = llava;
    this.newline = newline;
  }

  @Override
  public int visualTokens(PatchGrid grid) {
    return config.visualTokens(grid);
  }

  @Override
  public Shape pixelShape(PatchGrid grid) {
    return llava.pixelShape(grid);
  }

  @Override
  public PatchGrid gridFor(int imageHeight, int imageWidth) {
    return config.grid(imageHeight, imageWidth);
  }

  @Override
  public VisualEmbeddings embedVisual(GraphBuilder g, Value pixels, PatchGrid grid) {
    VisualEmbeddings frames = llava.embedVisual(g, pixels, grid);
    Value lineEnd = g.embedding(newline, g.constant(Tensor.ofInts(new int[1], 1)));
    Value rows = g.concat(frames.embeddings(), lineEnd);
    int[] order = order(grid, grid.tiling().orElseThrow());
    Value embeddings = g.gather(rows, g.constant(Tensor.ofInts(order, order.length)));
    return new VisualEmbeddings(frames.features(), embeddings, List.of());
  }

  /** The rows of the copy, then those of the tiles as the picture has them, and the line ends. */
  private static int[] order(PatchGrid grid, Tiling tiling) {
    int perFrame = grid.height() * grid.width();
    int top = (tiling.rows() * grid.height() - tiling.height()) / 2;
    int left = (tiling.columns() * grid.width() - tiling.width()) / 2;
    IntStream.Builder order = IntStream.builder();
    IntStream.range(0, perFrame).forEach(order);
    for (int y = top; y < top + tiling.height(); y++) {
      for (int x = left; x < left + tiling.width(); x++) {
        int tile = y / grid.height() * tiling.columns() + x / grid.width();
        int patch = y % grid.height() * grid.width() + x % grid.width();
        order.add((1 + tile) * perFrame + patch);
      }
      order.add(grid.frames() * perFrame);
    }
    return order.build().toArray();
  }
}
