package io.github.vlm4j.models.clip;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.vlm4j.core.ModelException;
import io.github.vlm4j.core.VlmException;
import io.github.vlm4j.core.checkpoint.Checkpoint;
import io.github.vlm4j.core.checkpoint.ConfigNode;
import io.github.vlm4j.core.checkpoint.SafetensorsWriter;
import io.github.vlm4j.core.graph.Activation;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.models.family.TensorShapes;
import io.github.vlm4j.vision.encoder.ModifiedResNetConfig;
import io.github.vlm4j.vision.encoder.VitConfig;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class OpenAiClipConfigTest {

  private static final String RN50 =
      """
      {"embed_dim": 1024,
       "vision_cfg": {"image_size": 224, "layers": [3, 4, 6, 3], "width": 64, "patch_size": null},
       "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 512, "heads": 8,
                    "layers": 12}}
      """;

  @TempDir Path folder;

  private OpenAiClipConfig infer(Map<String, long[]> shapes) {
    Map<String, Tensor> tensors = new HashMap<>();
    shapes.forEach((name, dims) -> {
      long elements = 1;
      for (long dim : dims) {
        elements *= dim;
      }
      tensors.put(name, Tensor.ofFloats(new float[(int) elements], dims));
    });
    Path file = folder.resolve("clip.safetensors");
    SafetensorsWriter.write(file, tensors);
    try (Checkpoint checkpoint = Checkpoint.open(file)) {
      return OpenAiClipConfig.infer(new TensorShapes(checkpoint, OpenAiClip.LAYOUT));
    }
  }

  private static Map<String, long[]> vit() {
    Map<String, long[]> shapes = new HashMap<>();
    shapes.put("visual.proj", new long[] {128, 32});
    shapes.put("visual.conv1.weight", new long[] {128, 3, 4, 4});
    shapes.put("visual.positional_embedding", new long[] {26, 128});
    shapes.put("visual.transformer.resblocks.0.attn.in_proj_weight", new long[] {1});
    shapes.put("visual.transformer.resblocks.1.attn.in_proj_weight", new long[] {1});
    shapes.put("text_projection", new long[] {64, 32});
    shapes.put("positional_embedding", new long[] {9, 64});
    shapes.put("token_embedding.weight", new long[] {50, 64});
    shapes.put("ln_final.weight", new long[] {64});
    shapes.put("transformer.resblocks.0.ln_1.weight", new long[] {1});
    return shapes;
  }

  @Test
  void aVisionTransformerIsReadOffItsTensors() {
    OpenAiClipConfig config = infer(vit());
    VitConfig vit = config.vit();
    assertThat(vit).isNotNull();
    assertThat(vit.hiddenSize()).isEqualTo(128);
    assertThat(vit.blocks().heads()).isEqualTo(2);
    assertThat(vit.blocks().intermediate()).isEqualTo(512);
    assertThat(vit.blocks().activation()).isEqualTo(Activation.QUICK_GELU);
    assertThat(vit.layers()).isEqualTo(2);
    assertThat(vit.patchSize()).isEqualTo(4);
    assertThat(vit.imageSize()).isEqualTo(20);
    assertThat(config.embedDim()).isEqualTo(32);
    assertThat(config.text().contextLength()).isEqualTo(9);
    assertThat(config.text().vocabularySize()).isEqualTo(50);
    assertThat(config.text().layers()).isEqualTo(1);
    assertThat(config.text().blocks().heads()).isEqualTo(1);
  }

  @Test
  void aModifiedResNetIsReadOffItsTensors() {
    Map<String, long[]> shapes = vit();
    shapes.keySet().removeIf(name -> name.startsWith("visual."));
    shapes.put("visual.layer1.0.conv1.weight", new long[] {4, 4, 1, 1});
    shapes.put("visual.layer1.1.conv1.weight", new long[] {1});
    shapes.put("visual.layer2.0.conv1.weight", new long[] {1});
    shapes.put("visual.layer3.0.conv1.weight", new long[] {1});
    shapes.put("visual.layer4.0.conv1.weight", new long[] {1});
    shapes.put("visual.attnpool.positional_embedding", new long[] {10, 128});
    ModifiedResNetConfig resNet = infer(shapes).resNet();
    assertThat(resNet).isNotNull();
    assertThat(resNet.layers()).isEqualTo(List.of(2, 1, 1, 1));
    assertThat(resNet.width()).isEqualTo(4);
    assertThat(resNet.heads()).isEqualTo(2);
    assertThat(resNet.imageSize()).isEqualTo(96);
    assertThat(resNet.outputDim()).isEqualTo(32);
  }

  @ParameterizedTest
  @CsvSource({
    "ln_final.weight, 40, cannot be cut into attention heads of 64",
    "visual.positional_embedding, 27, not a square grid",
    "positional_embedding, 0, has not the shape"
  })
  void whatDoesNotFitIsNamed(String tensor, long rows, String problem) {
    Map<String, long[]> shapes = vit();
    long[] dims = shapes.get(tensor).clone();
    dims[0] = rows;
    shapes.put(tensor, dims);
    assertThatThrownBy(() -> infer(shapes))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining(tensor)
        .hasMessageContaining(problem);
  }

  @Test
  void whatIsMissingIsNamed() {
    Map<String, long[]> shapes = vit();
    shapes.remove("token_embedding.weight");
    assertThatThrownBy(() -> infer(shapes))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("no tensor token_embedding.weight");
  }

  @Test
  void openClipsConfigurationsAreRead() {
    OpenAiClipConfig config = OpenAiClipConfig.read(ConfigNode.parse("RN50.json", RN50));
    assertThat(config.vit()).isNull();
    assertThat(config.resNet().imageSize()).isEqualTo(224);
    assertThat(config.resNet().heads()).isEqualTo(32);
    assertThat(config.text().blocks().activation()).isEqualTo(Activation.GELU);
    String quick = RN50.replace("\"embed_dim\"", "\"quick_gelu\": true, \"embed_dim\"");
    assertThat(
            OpenAiClipConfig.read(ConfigNode.parse("RN50.json", quick))
                .text()
                .blocks()
                .activation())
        .isEqualTo(Activation.QUICK_GELU);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\"image_size\": 224 -> \"image_size\": 225",
        "\"layers\": [3, 4, 6, 3] -> \"layers\": [3, 4, 6]",
        "\"layers\": [3, 4, 6, 3] -> \"layers\": [3, 4, 6, -3]",
        "\"width\": 64 -> \"width\": 63",
        "\"width\": 64 -> \"timm_model_name\": \"vit\", \"width\": 64",
        "\"heads\": 8 -> \"heads\": 7",
        "\"heads\": 8 -> \"qk_norm\": true, \"heads\": 8",
        "\"embed_dim\": 1024 -> \"embed_dim\": -1"
      })
  void damagedOrUnknownConfigurationsAreNamed(String change) {
    String[] parts = change.split(" -> ", 2);
    String json = RN50.replace(parts[0], parts[1]);
    assertThat(json).isNotEqualTo(RN50);
    assertThatThrownBy(() -> OpenAiClipConfig.read(ConfigNode.parse("RN50.json", json)))
        .isInstanceOf(VlmException.class)
        .hasMessageContaining("RN50.json");
  }
}
