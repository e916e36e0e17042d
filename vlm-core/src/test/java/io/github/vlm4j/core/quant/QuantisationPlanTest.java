package io.github.vlm4j.core.quant;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Held to llama.cpp's llama-quant.cpp. */
class QuantisationPlanTest {

  private static final List<String> UNTIED =
      List.of(
          "model.embed_tokens.weight",
          "model.layers.27.mlp.down_proj.weight",
          "model.visual.blocks.40.attn.qkv.weight",
          "lm_head.weight");

  @ParameterizedTest
  @ValueSource(
      strings = {
        "model.layers.0.input_layernorm.weight",
        "model.layers.0.self_attn.q_norm.weight",
        "model.layers.0.self_attn.q_proj.bias",
        "model.layers.0.mlp.gate.weight",
        "model.layers.0.mlp.shared_expert_gate.weight",
        "model.visual.blocks.0.attn.qkv.weight",
        "model.visual.merger.linear_fc1.weight",
        "vision_tower.vision_model.encoder.layers.0.self_attn.q_proj.weight",
        "multi_modal_projector.linear_1.weight",
        "mm.0.weight",
        "v.blk.0.attn_q.weight",
        "position_embedding_table.weight",
        "transformer.wpe.position.weight"
      })
  void isLeftAlone(String name) {
    QuantisationPlan plan = QuantisationPlan.of(QuantisationScheme.Q8_0, UNTIED, false);
    assertThat(plan.typeOf(name, DType.BF16, Shape.of(512, 512))).isEqualTo(DType.BF16);
  }

  @Test
  void onlyMatricesOfFloatsAreQuantised() {
    QuantisationPlan plan = QuantisationPlan.of(QuantisationScheme.Q4_0, UNTIED, false);
    String name = "model.layers.1.mlp.up_proj.weight";
    assertThat(plan.typeOf(name, DType.F16, Shape.of(8, 512))).isEqualTo(DType.Q4_0);
    assertThat(plan.typeOf(name, DType.F16, Shape.of(512))).isEqualTo(DType.F16);
    assertThat(plan.typeOf(name, DType.F16, Shape.of(4, 8, 512))).isEqualTo(DType.F16);
    assertThat(plan.typeOf(name, DType.Q8_0, Shape.of(8, 512))).isEqualTo(DType.Q8_0);
    assertThat(plan.typeOf(name, DType.I32, Shape.of(8, 512))).isEqualTo(DType.I32);
  }

  @ParameterizedTest
  @CsvSource({
    "Q8_0, lm_head.weight, 2048, Q8_0",
    "Q4_0, lm_head.weight, 2048, Q6_K",
    "Q4_0, lm_head.weight, 2080, Q8_0",
    "Q4_0, model.embed_tokens.weight, 2048, Q4_0",
    "Q4_K_M, lm_head.weight, 2048, Q6_K",
    "Q4_K_M, output.weight, 2048, Q6_K",
    "Q4_K_M, model.embed_tokens.weight, 2048, Q4_K",
    "Q4_K_M, model.layers.5.self_attn.o_proj.weight, 2048, Q4_K",
    "Q4_K_M, model.layers.5.self_attn.o_proj.weight, 2080, Q8_0",
    "Q4_K_M, model.layers.5.self_attn.o_proj.weight, 2050, BF16",
    "Q4_K_M, transformer.h.5.attn.c_attn.weight, 2048, Q6_K",
    "Q4_K, model.layers.0.mlp.down_proj.weight, 2048, Q4_K",
    "Q6_K, model.layers.0.mlp.up_proj.weight, 2048, Q6_K"
  })
  void typesAreThoseOfLlamaCpp(
      QuantisationScheme scheme, String name, int columns, DType expected) {
    QuantisationPlan plan = QuantisationPlan.of(scheme, UNTIED, false);
    assertThat(plan.typeOf(name, DType.BF16, Shape.of(8, columns))).isEqualTo(expected);
  }

  @Test
  void aTableThatComputesLogitsTooIsQuantisedAsThese() {
    List<String> tied = List.of("model.embed_tokens.weight", "model.layers.0.mlp.up_proj.weight");
    QuantisationPlan plan = QuantisationPlan.of(QuantisationScheme.Q4_K_M, tied, false);
    assertThat(plan.typeOf("model.embed_tokens.weight", DType.BF16, Shape.of(8, 256)))
        .isEqualTo(DType.Q6_K);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "model.layers.%d.self_attn.v_proj.weight",
        "model.layers.%d.mlp.down_proj.weight",
        "blk.%d.ffn_down.weight",
        "blk.%d.attn_v.weight"
      })
  void someLayersOfTwentyEightUseMoreBits(String pattern) {
    QuantisationPlan plan = QuantisationPlan.of(QuantisationScheme.Q4_K_M, UNTIED, false);
    StringBuilder more = new StringBuilder();
    for (int layer = 0; layer < 28; layer++) {
      DType type = plan.typeOf(pattern.formatted(layer), DType.BF16, Shape.of(8, 256));
      if (type == DType.Q6_K) {
        more.append(layer).append(' ');
      } else {
        assertThat(type).isEqualTo(DType.Q4_K);
      }
    }
    assertThat(more).hasToString("0 1 2 5 8 11 14 17 20 23 24 25 26 27 ");
  }

  @Test
  void namesAreFoundInAnyCase() {
    assertThat(QuantisationScheme.named("q4_k_m")).contains(QuantisationScheme.Q4_K_M);
    assertThat(QuantisationScheme.named("q5_1")).isEmpty();
  }
}
