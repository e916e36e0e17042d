package io.github.vlm4j.models;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.vlm4j.core.VlmException;
import io.github.vlm4j.models.clip.ClipFixture;
import io.github.vlm4j.models.clip.Similarity;
import io.github.vlm4j.vision.image.Image;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Hundreds of spoilt dual encoders from fixed seeds: each either compares a picture with a text or
 * is refused with a typed exception of one sentence.
 */
@Timeout(300)
class HostileClipFolderTest {

  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir Path folder;

  private Path copy(String fixture) throws IOException {
    try (ClipFixture original = ClipFixture.of(fixture);
        DirectoryStream<Path> files = Files.newDirectoryStream(original.folder())) {
      for (Path file : files) {
        if (!file.getFileName().toString().startsWith("expected")) {
          Files.copy(file, folder.resolve(file.getFileName()));
        }
      }
    }
    return folder;
  }

  @ParameterizedTest
  @CsvSource({
    "hf_vit_p16_quickgelu, config.json, 120",
    "hf_vit_p16_quickgelu, preprocessor_config.json, 80",
    "hf_vit_p16_quickgelu, tokenizer_config.json, 30",
    "hf_f16, vocab.json, 30",
    "siglip, config.json, 80",
    "siglip, tokenizer.json, 40",
    "siglip, preprocessor_config.json, 40",
    "siglip2_naflex, config.json, 80",
    "siglip2_naflex, preprocessor_config.json, 60"
  })
  void changedFields(String fixture, String name, int cases) throws IOException {
    Path file = copy(fixture).resolve(name);
    JsonNode original = JSON.readTree(file.toFile());
    for (int seed = 0; seed < cases; seed++) {
      SplittableRandom random = new SplittableRandom(seed);
      JsonNode changed = original.deepCopy();
      StringBuilder what = new StringBuilder(name + " seed " + seed + ": ");
      for (int change = 0; change <= random.nextInt(2); change++) {
        what.append(Mutations.change((ObjectNode) changed, random)).append(' ');
      }
      Files.writeString(file, changed.toString());
      loadAndCompare(folder, what.toString());
    }
  }

  @ParameterizedTest
  @CsvSource({
    "hf_f16, merges.txt, 40",
    "openai_vit_f32, model.pt, 120",
    "openai_rn_f16, model.pt, 120",
    "openai_vit_f16, bpe_simple_vocab_16e6.txt.gz, 60",
    "openai_torchscript, ViT-T-8.pt, 60"
  })
  void changedBytes(String fixture, String name, int cases) throws IOException {
    Path file = copy(fixture).resolve(name);
    byte[] original = Files.readAllBytes(file);
    Path model = name.endsWith(".pt") ? file : weights();
    for (int seed = 0; seed < cases; seed++) {
      Files.write(file, Mutations.damaged(original, new SplittableRandom(seed)));
      loadAndCompare(model, name + " seed " + seed);
    }
  }

  private Path weights() throws IOException {
    if (Files.exists(folder.resolve("config.json"))) {
      return folder;
    }
    return folder.resolve("model.pt");
  }

  private void loadAndCompare(Path path, String what) {
    try (ClipModel model = ClipModel.load(path)) {
      Similarity similarity =
          model.similarity(
              List.of(Image.of(folder.resolve("photo.png"))), List.of("a red circle", "a dog"));
      assertThat(similarity.probabilities()[0]).as(what).hasSize(2);
    } catch (VlmException refused) {
      assertThat(refused.getMessage()).as(what).isNotBlank().hasSizeLessThan(2000);
    } catch (RuntimeException | Error escaped) {
      throw new AssertionError(what, escaped);
    }
  }
}
