package io.github.vlm4j.models.seemore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.vlm4j.core.ModelException;
import io.github.vlm4j.core.VlmException;
import io.github.vlm4j.core.checkpoint.Checkpoint;
import io.github.vlm4j.core.checkpoint.SafetensorsWriter;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.models.ModelLayout;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is not a seemore's state dict is told by the tensor that is amiss. */
class SeemoreStateDictTest {

  @TempDir Path folder;

  private ModelLayout read(Consumer<Map<String, Tensor>> change) {
    Path file = folder.resolve("model.safetensors");
    try (Checkpoint checkpoint =
        Checkpoint.open(SeemoreCase.folder("published_sizes").resolve("seemore.pt"))) {
      Map<String, Tensor> tensors = new TreeMap<>();
      checkpoint.names().forEach(name -> tensors.put(name, checkpoint.tensor(name)));
      change.accept(tensors);
      SafetensorsWriter.write(file, tensors);
    }
    return ModelLayout.read(file);
  }

  private static Tensor zeros(long... dims) {
    int elements = 1;
    for (long dim : dims) {
      elements *= (int) dim;
    }
    return Tensor.ofFloats(new float[elements], dims);
  }

  @Test
  void theSameTensorsInSafetensorsAreTheSameModel() {
    ModelLayout layout = read(tensors -> {});
    assertThat(layout.modelType()).isEqualTo("seemore");
    assertThat(layout.reason()).contains(SeemoreConfig.PATCHES);
    assertThat(layout.decoder())
        .hasValueSatisfying(decoder -> {
          assertThat(decoder.contextLength()).isEqualTo(1000);
          assertThat(decoder.vocabularySize()).isEqualTo(66);
          assertThat(decoder.layers()).isEqualTo(3);
          assertThat(decoder.keyValueHeads()).isEqualTo(4);
          assertThat(decoder.headDim()).isEqualTo(3);
        });
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "vision_encoder.cls_token",
        "vision_encoder.pos_embedding",
        "vision_encoder.blocks.1.ln2.bias",
        "decoder.image_projection.net.2.weight",
        "decoder.blocks.0.ffn.0.weight",
        "decoder.blocks.2.attn.heads.3.value.weight",
        "decoder.lm_head.bias"
      })
  void aMissingTensorIsNamed(String name) {
    assertThatThrownBy(() -> read(tensors -> tensors.remove(name)))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining(name);
  }

  @Test
  void aTensorTooManyIsNamed() {
    assertThatThrownBy(() -> read(tensors -> tensors.put("decoder.extra", zeros(2))))
        .isInstanceOf(VlmException.class)
        .hasMessageContaining("decoder.extra");
  }

  @Test
  void positionsThatAreNoSquareOfPatchesAreRefused() {
    assertThatThrownBy(
            () -> read(tensors -> tensors.put("vision_encoder.pos_embedding", zeros(1, 36, 16))))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("vision_encoder.pos_embedding")
        .hasMessageContaining("square");
  }

  @Test
  void picturesFarTooLargeAreRefused() {
    assertThatThrownBy(() ->
            read(tensors -> {
              tensors.put("vision_encoder.pos_embedding", zeros(1, 1025 * 1025 + 1, 1));
            }))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("16400 pixels");
  }

  @Test
  void headsThatDoNotDivideTheHiddenSizeAreRefused() {
    assertThatThrownBy(() ->
            read(
                tensors -> tensors.put("decoder.blocks.0.attn.heads.4.query.weight", zeros(3, 12))))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("decoder.blocks.0.attn.heads.")
        .hasMessageContaining("5 heads");
  }

  @Test
  void greyPicturesAreRefused() {
    assertThatThrownBy(
            () -> read(tensors -> tensors.put(SeemoreConfig.PATCHES, zeros(16, 1, 16, 16))))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining(SeemoreConfig.PATCHES);
  }

  @Test
  void theVariantWithRandomlyRoutedExpertsIsRefusedByName() {
    assertThatThrownBy(
            () -> read(tensors -> tensors.put("decoder.sparseMoEBlocks.0.ln1.weight", zeros(12))))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("seeMoE");
  }
}
