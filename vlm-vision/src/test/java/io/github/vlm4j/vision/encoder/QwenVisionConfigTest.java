package io.github.vlm4j.vision.encoder;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.vlm4j.core.VlmException;
import io.github.vlm4j.core.checkpoint.ConfigNode;
import io.github.vlm4j.core.graph.Activation;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class QwenVisionConfigTest {

  private static ConfigNode node(String json) {
    return ConfigNode.parse("config.json", json.replace('\'', '"'));
  }

  @Test
  void qwen2CallsItsWidthEmbedDim() {
    QwenVisionConfig config =
        QwenVisionConfig.readQwen2(
            node("{'embed_dim': 1280, 'hidden_size': 1536, 'mlp_ratio': 4, 'in_chans': 3}"));
    assertThat(config.hiddenSize()).isEqualTo(1280);
    assertThat(config.outHiddenSize()).isEqualTo(1536);
    assertThat(config.intermediateSize()).isEqualTo(5120);
    assertThat(config.hiddenAct()).isEqualTo(Activation.QUICK_GELU);
    assertThat(config.patches()).isEqualTo(new PatchLayout(3, 14, 2, 2));
    assertThat(config.positionGridSize()).isZero();
    assertThat(config.windows()).isEmpty();
    assertThat(config.seesWholeFrames(0)).isTrue();
  }

  @Test
  void qwen25CountsItsWindowInMergeBlocks() {
    QwenVisionConfig config = QwenVisionConfig.readQwen25(node("{'hidden_size': 1280}"));
    assertThat(config.windows().orElseThrow().side()).isEqualTo(4);
    assertThat(config.seesWholeFrames(6)).isFalse();
    assertThat(config.seesWholeFrames(7)).isTrue();
    assertThat(config.hiddenAct()).isEqualTo(Activation.SILU);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '~',
      value = {
        "{'window_size': 27} ~ window_size must be at least patch_size × spatial_merge_size, 28",
        "{'window_size': 0} ~ window_size must be",
        "{'window_size': -112} ~ window_size must be",
        "{'window_size': 1e9} ~ window_size must be",
        "{'fullatt_block_indexes': [7, 32]} ~ fullatt_block_indexes must be block numbers from 0",
        "{'fullatt_block_indexes': [-1]} ~ fullatt_block_indexes must be block numbers from 0",
        "{'fullatt_block_indexes': 7} ~ fullatt_block_indexes must be",
        "{'depth': 8} ~ fullatt_block_indexes is missing; it must be block numbers from 0 to 7",
        "{'num_heads': 9} ~ num_heads must be a divisor of hidden_size 3584",
        "{'hidden_act': 'soft'} ~ config.json.hidden_act: the activation",
        "{'patch_size': 0} ~ patch_size must be",
        "{'spatial_merge_size': 65} ~ spatial_merge_size must be",
        "{'out_hidden_size': 0} ~ out_hidden_size must be"
      })
  void qwen25NamesTheFieldThatIsWrong(String json, String problem) {
    assertThatThrownBy(() -> QwenVisionConfig.readQwen25(node(json)))
        .isInstanceOf(VlmException.class)
        .hasMessageStartingWith("config.json")
        .hasMessageContaining(problem);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '~',
      value = {
        "{'mlp_ratio': 0} ~ mlp_ratio must be",
        "{'mlp_ratio': 1e-9} ~ mlp_ratio must be a number that makes 1 to",
        "{'mlp_ratio': 1e300} ~ mlp_ratio must be a number that makes 1 to",
        "{'embed_dim': 1282} ~ num_heads is missing; it must be a divisor of embed_dim 1282",
        "{'embed_dim': 0} ~ embed_dim must be"
      })
  void qwen2NamesTheFieldThatIsWrong(String json, String problem) {
    assertThatThrownBy(() -> QwenVisionConfig.readQwen2(node(json)))
        .isInstanceOf(VlmException.class)
        .hasMessageStartingWith("config.json")
        .hasMessageContaining(problem);
  }
}
