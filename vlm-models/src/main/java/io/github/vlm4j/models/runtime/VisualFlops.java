package io.github.vlm4j.models.runtime;

import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Op;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.model.PatchGrid;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.models.family.VisionLanguageArchitecture;
import io.github.vlm4j.models.family.VisualEmbeddings;

/**
 * Counts the multiplications and additions of encoding a picture, from the graph itself: linear
 * layers and attention, beside which all else is small.
 */
record VisualFlops(VisionLanguageArchitecture architecture, PatchGrid grid) {

  double count() {
    GraphBuilder g = new GraphBuilder();
    Value pixels = g.input("pixels", DType.F32, architecture.pixelShape(grid).toArray());
    VisualEmbeddings visual = architecture.embedVisual(g, pixels, grid);
    g.output("embeddings", visual.embeddings());
    for (int i = 0; i < visual.deepstack().size(); i++) {
      g.output("deepstack." + i, visual.deepstack().get(i));
    }
    return g.build().values().stream().mapToDouble(VisualFlops::of).sum();
  }

  private static double of(Value value) {
    return switch (value.op()) {
      case Op.Linear linear ->
          2.0 * value.shape().elements() * value.operands().get(0).shape().last();
      case Op.Attention attention -> {
        double pairs =
            attention.segments().stream().mapToDouble(rows -> (double) rows * rows).sum();
        double heads = value.shape().dim(1);
        double lengths = value.operands().get(0).shape().dim(2) + value.shape().dim(2);
        yield 2 * pairs * heads * lengths;
      }
      default -> 0;
    };
  }
}
