package io.github.vlm4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.weights.DeclaredWeights;
import io.github.vlm4j.core.weights.WeightScope;
import org.junit.jupiter.api.Test;

class ModulePrinterTest {

  @Test
  void modulesThatFollowEachOtherAreShownAsOneAndOthersEach() {
    WeightScope root = WeightScope.of(new DeclaredWeights(DType.F32));
    for (String name : new String[] {"layers.0", "layers.1", "layers.2", "mlp.1", "mlp.3"}) {
      root.at(name).get("weight", 4);
    }
    String printed = new ModulePrinter(root.tree()).print("model");
    assertThat(printed).contains("(0-2): 3 ×").doesNotContain("(1-3)");
    assertThat(printed.lines().map(String::strip))
        .anyMatch(line -> line.startsWith("1  weight"))
        .anyMatch(line -> line.startsWith("3  weight"));
  }
}
