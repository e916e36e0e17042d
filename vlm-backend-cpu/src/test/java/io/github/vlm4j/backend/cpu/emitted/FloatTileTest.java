package io.github.vlm4j.backend.cpu.emitted;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class FloatTileTest {

  private static final CpuFeatures WITHOUT = new CpuFeatures(false, false, false, false, false);
  private static final CpuFeatures AVX2 = new CpuFeatures(true, false, false, false, false);
  private static final CpuFeatures AVX512 = new CpuFeatures(true, true, false, false, false);

  @Test
  void theTileIsAsWideAsPanelsAre() {
    assertThat(FloatTile.of(16, AVX512)).contains(FloatTile.AVX2);
    assertThat(FloatTile.of(64, AVX512)).contains(FloatTile.AVX512);
    assertThat(FloatTile.of(8, AVX512)).isEmpty();
  }

  @Test
  void panelsThatAreWiderThanTheProcessorsVectorsHaveNoTile() {
    assertThat(FloatTile.of(64, AVX2)).isEmpty();
    assertThat(FloatTile.of(16, AVX2)).contains(FloatTile.AVX2);
    assertThat(FloatTile.of(16, WITHOUT)).isEmpty();
  }
}
