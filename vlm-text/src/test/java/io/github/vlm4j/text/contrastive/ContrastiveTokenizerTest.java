package io.github.vlm4j.text.contrastive;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.vlm4j.core.CheckpointException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Ids of texts, against open_clip's and transformers' tokenizers. */
class ContrastiveTokenizerTest {

  private static final Path RESOURCES = Path.of("src/test/resources");
  private static final Path CLIP = RESOURCES.resolve("clip-tokenizer");
  private static final Path SIGLIP = RESOURCES.resolve("siglip-tokenizer");

  private static final ContrastiveTokenizer OPEN_CLIP = ContrastiveTokenizer.openAi(CLIP, 77);
  private static final ContrastiveTokenizer HUGGING_FACE =
      ContrastiveTokenizer.load(CLIP.resolve("hf"), 77);
  private static final ContrastiveTokenizer SIGLIP_1 =
      ContrastiveTokenizer.load(SIGLIP.resolve("siglip"), 64);
  private static final ContrastiveTokenizer SIGLIP_2 =
      ContrastiveTokenizer.load(SIGLIP.resolve("siglip2"), 64);
  private static final ContrastiveTokenizer SIGLIP_2_PUBLISHED =
      ContrastiveTokenizer.load(SIGLIP.resolve("siglip2-published"), 64);

  @TempDir Path folder = Path.of("");

  static List<JsonNode> clipTexts() {
    return cases(CLIP);
  }

  static List<JsonNode> siglipTexts() {
    return cases(SIGLIP);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("clipTexts")
  void openClipVocabularyGivesTheIdsOfOpenClip(JsonNode text) {
    assertIds(OPEN_CLIP, text, "openClip");
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("clipTexts")
  void vocabularyAndMergesGiveTheIdsOfTransformers(JsonNode text) {
    assertIds(HUGGING_FACE, text, "huggingFace");
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("siglipTexts")
  void siglipGivesTheIdsOfTransformers(JsonNode text) {
    assertIds(SIGLIP_1, text, "siglip");
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("siglipTexts")
  void siglip2GivesTheIdsOfTransformersHoweverItWasSaved(JsonNode text) {
    assertIds(SIGLIP_2, text, "siglip2");
    assertIds(SIGLIP_2_PUBLISHED, text, "siglip2");
  }

  @Test
  void thereAreTwoHundredTextsForClip() {
    assertThat(clipTexts()).hasSize(200);
  }

  @Test
  void paddingIsZeroForOpenClipAndTheNamedTokenOtherwise() throws IOException {
    ContrastiveTokenizer openClip = ContrastiveTokenizer.openAi(CLIP, 10);
    assertThat(openClip.encode("a cat")).endsWith(openClip.endOfText(), 0, 0, 0, 0, 0, 0);
    ContrastiveTokenizer huggingFace = ContrastiveTokenizer.load(CLIP.resolve("hf"), 10);
    assertThat(huggingFace.encode("a cat")).startsWith(1428, 320, 955, 1429, 1429, 1429);

    copy("vocab.json", "merges.txt");
    Files.writeString(folder.resolve("tokenizer_config.json"), "{\"pad_token\": \"!\"}");
    ContrastiveTokenizer marked = ContrastiveTokenizer.load(folder, 10);
    assertThat(marked.padding()).isZero();
    // A padding token is special, so that its spelling in a text is not the word "!" any more.
    assertThat(marked.encode("!")).startsWith(1428, 0, 1429, 0);
    assertThat(huggingFace.encode("!")).startsWith(1428, 256, 1429);
  }

  @Test
  void paddingGoesToTheLeftWhereTheConfigurationSaysSo() throws IOException {
    copy("vocab.json", "merges.txt");
    Files.writeString(folder.resolve("tokenizer_config.json"), "{\"padding_side\": \"left\"}");

    int[] ids = ContrastiveTokenizer.load(folder, 8).encode("a");

    assertThat(ids).hasSize(8).endsWith(1428, 320, 1429).startsWith(1429, 1429);
  }

  @Test
  void cutTextsKeepTheirEnd() {
    String text = "a photo of a cat ".repeat(50);
    for (ContrastiveTokenizer tokenizer :
        List.of(
            ContrastiveTokenizer.openAi(CLIP, 16),
            ContrastiveTokenizer.load(CLIP.resolve("hf"), 16),
            ContrastiveTokenizer.load(SIGLIP.resolve("siglip"), 16))) {
      assertThat(tokenizer.encode(text)).hasSize(16).endsWith(tokenizer.endOfText());
    }
  }

  @Test
  void specialTokensOfTheMapCountIfTheConfigurationListsNone() throws IOException {
    copy("vocab.json", "merges.txt");
    Files.writeString(
        folder.resolve("special_tokens_map.json"),
        "{\"pad_token\": {\"content\": \"!\", \"lstrip\": false}}");

    assertThat(ContrastiveTokenizer.load(folder, 8).padding()).isZero();
  }

  @Test
  void missingFilesAreNamedWithWhatToDo() throws IOException {
    assertThatThrownBy(() -> ContrastiveTokenizer.load(folder, 77))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("copy tokenizer.json");
    assertThatThrownBy(() -> ContrastiveTokenizer.openAi(folder, 77))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("bpe_simple_vocab_16e6.txt.gz");
    Files.copy(SIGLIP.resolve("siglip/spiece.model"), folder.resolve("spiece.model"));
    assertThatThrownBy(() -> ContrastiveTokenizer.load(folder, 64))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("spiece.model but no tokenizer.json");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{\"pad_token\": \"nowhere\"} | pad_token",
        "{\"padding_side\": \"top\"} | padding_side",
        "{\"truncation_side\": \"left\"} | truncation_side",
        "{\"eos_token\": 7} | eos_token",
        "{\"added_tokens_decoder\": {\"1\": {}}} | content",
        "{ | tokenizer_config.json"
      })
  void wrongConfigurationIsNamed(String config, String named) throws IOException {
    copy("vocab.json", "merges.txt");
    Files.writeString(folder.resolve("tokenizer_config.json"), config);

    assertThatThrownBy(() -> ContrastiveTokenizer.load(folder, 77))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining(named);
  }

  @Test
  void contextWithoutRoomIsRefused() {
    assertThatThrownBy(() -> ContrastiveTokenizer.openAi(CLIP, 2))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("no room");
  }

  @Test
  void hostileMergesAreRefused() throws IOException {
    Path file = folder.resolve("bpe_simple_vocab_16e6.txt.gz");
    for (byte[] content :
        List.of(
            "#version\na b c\n".getBytes(StandardCharsets.UTF_8),
            "#version\n\na b\n".getBytes(StandardCharsets.UTF_8),
            "#version\nzzz yyy\n".getBytes(StandardCharsets.UTF_8),
            new byte[] {'#', '\n', (byte) 0xff, ' ', 'b'})) {
      Files.write(file, zipped(content));
      assertThatThrownBy(() -> ContrastiveTokenizer.openAi(file, 77))
          .isInstanceOf(CheckpointException.class);
    }
    Files.write(file, new byte[] {1, 2, 3});
    assertThatThrownBy(() -> ContrastiveTokenizer.openAi(file, 77))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("cannot be read");
  }

  @Test
  void archiveThatUnpacksWithoutEndIsRefused() throws IOException {
    Path file = folder.resolve("bpe_simple_vocab_16e6.txt.gz");
    try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(file))) {
      byte[] zeros = new byte[1 << 20];
      for (int i = 0; i < 64; i++) {
        out.write(zeros);
      }
    }
    assertThatThrownBy(() -> ContrastiveTokenizer.openAi(file, 77))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("more than");
  }

  private void copy(String... names) throws IOException {
    for (String name : names) {
      Files.copy(CLIP.resolve("hf").resolve(name), folder.resolve(name));
    }
  }

  private static byte[] zipped(byte[] content) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (OutputStream out = new GZIPOutputStream(bytes)) {
      out.write(content);
    }
    return bytes.toByteArray();
  }

  private static void assertIds(ContrastiveTokenizer tokenizer, JsonNode text, String field) {
    JsonNode ids = text.get(field);
    int[] expected = new int[tokenizer.contextLength()];
    Arrays.fill(expected, tokenizer.padding());
    for (int i = 0; i < ids.size(); i++) {
      expected[i] = ids.get(i).intValue();
    }
    assertThat(tokenizer.encode(text.get("text").textValue())).isEqualTo(expected);
  }

  private static List<JsonNode> cases(Path folder) {
    try {
      List<JsonNode> cases = new ArrayList<>();
      new ObjectMapper()
          .readTree(folder.resolve("cases.json").toFile())
          .get("cases")
          .forEach(cases::add);
      return cases;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
