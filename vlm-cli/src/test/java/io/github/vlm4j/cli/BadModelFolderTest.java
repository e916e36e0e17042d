package io.github.vlm4j.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.vlm4j.core.checkpoint.Checkpoint;
import io.github.vlm4j.core.checkpoint.SafetensorsWriter;
import io.github.vlm4j.core.tensor.Tensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is wrong with a model folder is told in one sentence that names it. */
final class BadModelFolderTest {

  private static final String CASE = "tied_one_image";

  @TempDir Path folder;

  private CommandRun generate() {
    return CommandRun.of(
        "generate",
        "--model",
        folder,
        "--image",
        Fixtures.model(CASE).resolve("picture.png"),
        "--prompt",
        "Hi",
        "--max-new-tokens",
        "2");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"config.json", "tokenizer.json", "preprocessor_config.json", "model.safetensors"})
  void aMissingFileIsNamed(String file) {
    Fixtures.copy(CASE, folder);
    Fixtures.delete(folder.resolve("expected.safetensors"));
    Fixtures.delete(folder.resolve(file));
    generate().failed(file);
  }

  @Test
  void aMissingChatTemplateIsNamed() {
    copyWith("tokenizer_config.json", config -> config.remove("chat_template"));
    Fixtures.delete(folder.resolve("chat_template.jinja"));
    generate().failed("chat_template.jinja");
  }

  @Test
  void aMissingGenerationConfigIsNoError() {
    Fixtures.copy(CASE, folder);
    Fixtures.delete(folder.resolve("generation_config.json"));
    generate().succeeded();
  }

  @Test
  void anUnsupportedModelTypeListsTheSupportedOnes() {
    copyWith("config.json", config -> config.put("model_type", "bert"));
    generate().failed("bert", "supported are", "qwen3_vl");
    CommandRun.of("inspect", "--model", folder).failed("bert", "qwen3_vl");
  }

  @Test
  void configurationAndWeightsMustAgree() {
    copyWith("config.json", config -> config.withObject("text_config").put("vocab_size", 401));
    generate().failed("embed_tokens.weight", "[400, 32]", "[401, 32]");
  }

  @Test
  void theTokenizerMustFitTheModel() {
    copyWith(
        "tokenizer.json",
        tokenizer ->
            tokenizer
                .withArray("added_tokens")
                .addObject()
                .put("id", 400)
                .put("content", "<|beyond|>")
                .put("single_word", false)
                .put("lstrip", false)
                .put("rstrip", false)
                .put("normalized", false)
                .put("special", true));
    generate().failed("tokenizer.json", "400");
  }

  @Test
  void thePreprocessorMustFitTheModel() {
    copyWith("preprocessor_config.json", config -> config.put("patch_size", 8));
    generate().failed("[8, 2, 2]", "[4, 2, 2]");
  }

  @Test
  void aMissingTensorIsNamedWithItsShape() {
    changeTensors(tensors -> tensors.remove("model.visual.merger.norm.weight"));
    generate().failed("model.visual.merger.norm.weight", "[16]");
    CommandRun.of("inspect", "--model", folder).failed("model.visual.merger.norm.weight");
  }

  @Test
  void aTensorOfAnotherShapeIsNamedWithBothShapes() {
    changeTensors(tensors ->
        tensors.put("model.visual.merger.norm.weight", Tensor.ofFloats(new float[4], 2, 2)));
    generate().failed("model.visual.merger.norm.weight", "[2, 2]", "[16]");
  }

  @Test
  void anUnexpectedTensorIsNamed() {
    changeTensors(tensors -> tensors.put("model.extra", Tensor.ofFloats(new float[1], 1)));
    generate().failed("model.extra");
  }

  @Test
  void aTruncatedFileIsNamedWithItsNumbers() throws IOException {
    Fixtures.copy(CASE, folder);
    Path weights = folder.resolve("model.safetensors");
    try (FileChannel channel = FileChannel.open(weights, StandardOpenOption.WRITE)) {
      channel.truncate(channel.size() - 100);
    }
    generate().failed("model.safetensors", "truncated");
  }

  @Test
  void weightsThatAreNoNumbersAreADefectOfTheModel() {
    changeTensors(tensors -> {
      float[] norm = new float[32];
      norm[3] = Float.NaN;
      tensors.put("model.language_model.norm.weight", Tensor.ofFloats(norm, 32));
    });
    generate().failed("NaN", "weights");
  }

  @Test
  void malformedJsonIsToldWithItsPlace() {
    Fixtures.copy(CASE, folder);
    Fixtures.write(folder.resolve("config.json"), "{\"model_type\": \"qwen3_vl\",,}");
    generate().failed("config.json", "line 1");
  }

  private void copyWith(String file, Consumer<ObjectNode> change) {
    Fixtures.copyWith(CASE, folder, file, change);
  }

  private void changeTensors(Consumer<Map<String, Tensor>> change) {
    Fixtures.copy(CASE, folder);
    Map<String, Tensor> tensors = new TreeMap<>();
    Path weights = folder.resolve("model.safetensors");
    try (Checkpoint checkpoint = Checkpoint.open(weights)) {
      checkpoint.names().forEach(name -> tensors.put(name, checkpoint.tensor(name)));
      change.accept(tensors);
      Path changed = folder.resolve("changed");
      SafetensorsWriter.write(changed, tensors);
      Files.move(changed, weights, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }
}
