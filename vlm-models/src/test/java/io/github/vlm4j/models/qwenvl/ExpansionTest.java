package io.github.vlm4j.models.qwenvl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.vlm4j.core.InputException;
import io.github.vlm4j.core.model.PatchGrid;
import io.github.vlm4j.core.model.TokenPositions;
import io.github.vlm4j.text.tokenizer.Tokenizer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ExpansionTest {

  private static final int TEXT = 5;

  private final Expansion expansion;
  private final int video;

  ExpansionTest() {
    Tokenizer tokenizer = Tokenizer.load(ReferenceCase.folder("qwenvl/qwen2_5_video"));
    video = tokenizer.idOf("<|video_pad|>").orElseThrow();
    int image = tokenizer.idOf("<|image_pad|>").orElseThrow();
    expansion = new Expansion(new VisualTokens(tokenizer, image, video), 2);
  }

  @Test
  void onlyWholePositionsOfATimeCount() {
    expansion.addVideo(new PatchGrid(4, 8, 2), 0.75f);
    TokenPositions positions = expansion.positions();
    int[] times = IntStream.range(0, 16).map(positions::time).toArray();
    assertThat(times).containsExactly(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2);
    assertThat(expansion.ids()).hasSize(16).containsOnly(video);
  }

  @Test
  void textGoesOnAfterTheLastTimeOfALongVideo() {
    expansion.addText(TEXT);
    int[] rows = expansion.addVideo(new PatchGrid(5, 4, 2), 2.5f);
    expansion.addText(TEXT);
    assertThat(rows).containsExactly(IntStream.rangeClosed(1, 10).toArray());
    // The last temporal patch is at 1 + ⌊4 · 2.5⌋.
    TokenPositions positions = expansion.positions();
    assertThat(positions.time(10)).isEqualTo(11);
    assertThat(positions.time(11)).isEqualTo(12);
    assertThat(positions.height(11)).isEqualTo(12);
  }

  @Test
  void textGoesOnAfterTheLongerSideOfAShortVideo() {
    expansion.addVideo(new PatchGrid(2, 4, 10), 1);
    expansion.addText(TEXT);
    assertThat(expansion.positions().width(20)).isEqualTo(5);
  }

  @ParameterizedTest
  @ValueSource(floats = {1e9f, Float.POSITIVE_INFINITY, Float.NaN})
  void aVideoWithoutPositionsIsRefused(float step) {
    assertThatThrownBy(() -> expansion.addVideo(new PatchGrid(2, 4, 4), step))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("more frames per second");
  }
}
