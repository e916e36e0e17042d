package io.github.vlm4j.models.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.vlm4j.core.checkpoint.ConfigNode;
import io.github.vlm4j.core.graph.Graph;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.weights.DeclaredWeights;
import io.github.vlm4j.core.weights.WeightScope;
import io.github.vlm4j.models.family.ModelArchitecture;
import io.github.vlm4j.models.family.ModelDescription;
import io.github.vlm4j.models.text.TextFamily;
import org.junit.jupiter.api.Test;

/** What benchmarks divide by, against counts made by hand. */
class CountsTest {

  private static final String SIZES =
      """
      "vocab_size": 100, "hidden_size": 8, "intermediate_size": 24, "num_hidden_layers": 2,
      "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 2,
      "max_position_embeddings": 64\
      """;

  private static Graph graph(String config, int tokens) {
    ModelDescription model = ModelDescription.of(ConfigNode.parse("config.json", config));
    WeightScope weights = WeightScope.of(new DeclaredWeights(DType.BF16));
    ModelArchitecture architecture = new TextFamily().assemble(model, weights);
    return DecoderRuntime.graph(architecture, tokens);
  }

  @Test
  void aPromptTakesTwoOperationsPerWeightAndTokenAndItsTriangleOfScores() {
    Graph prompt = graph("{\"model_type\": \"llama\", " + SIZES + "}", 5);
    double layer = 8 * 8 + 2 * (8 * 4) + 8 * 8 + 3 * (8 * 24);
    double scores = 15.0 * 4 * (2 + 2);
    double head = 100 * 8;
    assertThat(Flops.of(prompt)).isEqualTo(2 * (2 * (5 * layer + scores) + head));
  }

  @Test
  void aWindowCutsTheTriangle() {
    Graph prompt = graph("{\"model_type\": \"mistral\", \"sliding_window\": 3, " + SIZES + "}", 5);
    double all = Flops.of(graph("{\"model_type\": \"llama\", " + SIZES + "}", 5));
    // Rows see 1, 2, 3, 3, 3 positions instead of 1, 2, 3, 4, 5.
    assertThat(all - Flops.of(prompt)).isEqualTo(2 * 2 * 3.0 * 4 * (2 + 2));
  }

  @Test
  void aTokenReadsEveryWeightOnceAndTheCache() {
    Graph step = graph("{\"model_type\": \"llama\", " + SIZES + "}", 1);
    double weights = 2 * (8 * 8 + 2 * (8 * 4) + 8 * 8 + 3 * (8 * 24)) + 100 * 8;
    double cache = 2 * 7 * (2 + 2) * 2 * 4.0;
    assertThat(TokenTraffic.of(step, 7)).isEqualTo(2 * weights + cache);
  }

  @Test
  void aTokenReadsTheChosenExpertsOnly() {
    String experts =
        "\"num_experts\": 6, \"num_experts_per_tok\": 2, \"moe_intermediate_size\": 16, ";
    Graph step = graph("{\"model_type\": \"qwen3_moe\", " + experts + SIZES + "}", 1);
    double attention = 8 * 8 + 2 * (8 * 4) + 8 * 8;
    double layer = attention + 6 * 8 + 2 * 3 * (8 * 16);
    assertThat(TokenTraffic.of(step, 0)).isEqualTo(2 * (2 * layer + 100 * 8));
    assertThat(Flops.of(step)).isEqualTo(2 * (2 * (layer + 4 * (2 + 2)) + 100 * 8));
  }
}
