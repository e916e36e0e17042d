package io.github.vlm4j.models.llava;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.vlm4j.core.checkpoint.ConfigNode;
import io.github.vlm4j.core.model.PatchGrid;
import io.github.vlm4j.core.model.Tiling;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvFileSource;

/**
 * Sizes and numbers of embeddings of real models, as tools/reference/llava/tile_sizes.py has them.
 */
class LlavaNextGridTest {

  @ParameterizedTest
  @CsvFileSource(resources = "/llava/tile_sizes.csv", numLinesToSkip = 1)
  void picturesAreCutLikeTheReferences(
      String model, int height, int width, int fittedHeight, int fittedWidth, int embeddings) {
    LlavaNextConfig config = model.equals("six") ? six() : llava16();
    int side = config.llava().vision().sizes().imageSize();
    PatchGrid grid = config.grid(height, width);
    Tiling tiling = grid.tiling().orElseThrow();
    assertThat(tiling.rows() * side).isEqualTo(fittedHeight);
    assertThat(tiling.columns() * side).isEqualTo(fittedWidth);
    assertThat(grid.frames()).isEqualTo(1 + tiling.tiles());
    assertThat(config.visualTokens(grid)).isEqualTo(embeddings);
  }

  private static LlavaNextConfig llava16() {
    return config("clip_vision_model", 336, 14, "default", "null");
  }

  private static LlavaNextConfig six() {
    String sizes =
        IntStream.rangeClosed(1, 6)
            .boxed()
            .flatMap(
                i -> IntStream.rangeClosed(1, 6).mapToObj(j -> "[" + 384 * i + "," + 384 * j + "]"))
            .collect(Collectors.joining(",", "[", "]"));
    return config("siglip_vision_model", 384, 14, "full", sizes);
  }

  private static LlavaNextConfig config(
      String vision, int side, int patch, String strategy, String sizes) {
    return LlavaNextConfig.read(
        ConfigNode.parse(
            "config.json",
            """
            {"vision_config": {"model_type": "%s", "image_size": %d, "patch_size": %d},
             "text_config": {"model_type": "llama", "vocab_size": 32064},
             "vision_feature_select_strategy": "%s", "image_grid_pinpoints": %s}
            """
                .formatted(vision, side, patch, strategy, sizes)));
  }
}
