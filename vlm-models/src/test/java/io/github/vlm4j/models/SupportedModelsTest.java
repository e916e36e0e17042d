package io.github.vlm4j.models;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.vlm4j.models.clip.DualEncoderFormats;
import io.github.vlm4j.models.family.ModelFamily;
import io.github.vlm4j.models.family.SupportedArchitecture;
import java.util.List;
import org.junit.jupiter.api.Test;

class SupportedModelsTest {

  private static List<String> modelTypes(List<SupportedArchitecture> rows) {
    return rows.stream().flatMap(row -> row.modelTypes().stream()).distinct().toList();
  }

  @Test
  void everyModelTypeThatAFamilyKnowsIsInItsLines() {
    for (ModelFamily family : ModelFamilies.ALL) {
      assertThat(family.supported()).as(family.name()).isNotEmpty();
      assertThat(modelTypes(family.supported()))
          .as(family.name())
          .containsExactlyInAnyOrderElementsOf(family.modelTypes());
    }
    assertThat(modelTypes(DualEncoderFormats.SUPPORTED))
        .containsExactlyInAnyOrderElementsOf(DualEncoderFormats.MODEL_TYPES);
  }

  @Test
  void theTableHasTheLinesOfAllFamilies() {
    assertThat(SupportedModels.all())
        .hasSizeGreaterThan(ModelFamilies.ALL.size())
        .containsAll(DualEncoderFormats.SUPPORTED)
        .doesNotHaveDuplicates();
    for (ModelFamily family : ModelFamilies.ALL) {
      assertThat(SupportedModels.all()).containsAll(family.supported());
    }
  }
}
