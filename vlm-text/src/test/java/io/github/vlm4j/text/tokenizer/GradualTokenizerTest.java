package io.github.vlm4j.text.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.InputException;
import io.github.vlm4j.core.checkpoint.GgufFile;
import io.github.vlm4j.core.checkpoint.GgufMetadata;
import io.github.vlm4j.core.checkpoint.GgufValue;
import io.github.vlm4j.core.checkpoint.GgufWriter;
import io.github.vlm4j.text.template.RenderedPrompt;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A vocabulary that is taken up bit by bit, against the whole of it. */
class GradualTokenizerTest {

  private static final Path FOLDER = Path.of("src/test/resources/tokenizer");
  private static final Path NAME = Path.of("m.gguf");

  @TempDir Path temporary;

  private GgufTokenizer tokenizer(SequencedMap<String, GgufValue> metadata) {
    Path path = temporary.resolve("m.gguf");
    try (GgufWriter writer = GgufWriter.create(path, metadata, List.of())) {
      writer.commit();
    }
    try (GgufFile file = GgufFile.open(path)) {
      GgufMetadata read = file.metadata();
      return new GgufTokenizer(read);
    }
  }

  private static SequencedMap<String, GgufValue> metadata(String kind) throws Exception {
    Path folder = FOLDER.resolve(kind);
    int size = Tokenizer.load(folder).vocabularySize();
    return GgufVocabulary.of(folder, size + 3, Optional.of(0));
  }

  private static List<String> texts(String kind) throws Exception {
    List<String> texts = new ArrayList<>(List.of("", " ", "\ud800", "e\u0301 \u1112\u1161\u11ab"));
    new ObjectMapper()
        .readTree(FOLDER.resolve(kind).resolve("expected.json").toFile())
        .findValuesAsText("text", texts);
    RandomGenerator random = new SplittableRandom(3);
    for (int i = 0; i < 40; i++) {
      StringBuilder text = new StringBuilder();
      for (int part = random.nextInt(12); part >= 0; part--) {
        String some = texts.get(random.nextInt(texts.size()));
        text.append(some, 0, random.nextInt(some.length() + 1));
        text.appendCodePoint(random.nextInt(0x3000));
      }
      texts.add(text.toString());
    }
    return texts;
  }

  @ParameterizedTest
  @ValueSource(strings = {"tiny", "llama3", "tekken"})
  void whatIsTakenUpFirstEncodesAndDecodesAsTheWhole(String kind) throws Exception {
    GgufTokenizer vocabulary = tokenizer(metadata(kind));
    Tokenizer whole = HuggingFaceTokenizer.of(vocabulary.file(NAME));
    for (String text : texts(kind)) {
      for (RenderedPrompt prompt :
          List.of(RenderedPrompt.trusted(text), RenderedPrompt.untrusted(text))) {
        int[] ids = new GradualTokenizer(vocabulary, NAME).encode(prompt);
        assertThat(ids).as(text).isEqualTo(whole.encode(prompt));
        for (boolean skipSpecial : new boolean[] {false, true}) {
          assertThat(new GradualTokenizer(vocabulary, NAME).decode(ids, skipSpecial))
              .as(text)
              .isEqualTo(whole.decode(ids, skipSpecial));
        }
      }
    }
  }

  /** Bytes of single tokens come together to all kinds of malformed UTF-8. */
  @ParameterizedTest
  @ValueSource(strings = {"tiny", "llama3", "tekken"})
  void idsInAnyOrderAreDecodedAsByTheWhole(String kind) throws Exception {
    GgufTokenizer vocabulary = tokenizer(metadata(kind));
    Tokenizer whole = HuggingFaceTokenizer.of(vocabulary.file(NAME));
    Tokenizer gradual = new GradualTokenizer(vocabulary, NAME);
    RandomGenerator random = new SplittableRandom(5);
    List<int[]> sequences = new ArrayList<>();
    for (int i = 0; i < 3000; i++) {
      int most = i % 2 == 0 ? whole.vocabularySize() + 5 : 300;
      sequences.add(random.ints(random.nextInt(12), 0, most).toArray());
    }
    byte[] surrogate = {'a', (byte) 0xed, (byte) 0xa0, (byte) 0x81, 'b', (byte) 0xed, (byte) 0xbf};
    sequences.add(
        ByteAlphabet.of(surrogate)
            .chars()
            .map(character -> whole.idOf(Character.toString(character)).orElseThrow())
            .toArray());
    for (int[] ids : sequences) {
      for (boolean skipSpecial : new boolean[] {false, true}) {
        assertThat(gradual.decode(ids, skipSpecial))
            .as(Arrays.toString(ids))
            .isEqualTo(whole.decode(ids, skipSpecial));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"tiny", "llama3", "tekken"})
  void vocabularyAndFrameAreThoseOfTheWhole(String kind) throws Exception {
    GgufTokenizer vocabulary = tokenizer(metadata(kind));
    Tokenizer whole = HuggingFaceTokenizer.of(vocabulary.file(NAME));
    Tokenizer gradual = new GradualTokenizer(vocabulary, NAME);

    assertThat(gradual.vocabularySize()).isEqualTo(whole.vocabularySize());
    assertThat(gradual.frame()).isEqualTo(whole.frame());
    assertThat(gradual.idOf("no such token")).isEmpty();
    for (int id = 0; id < whole.vocabularySize(); id++) {
      assertThat(gradual.tokenOf(id)).isEqualTo(whole.tokenOf(id));
      assertThat(gradual.isSpecial(id)).isEqualTo(whole.isSpecial(id));
      assertThat(gradual.idOf(whole.tokenOf(id))).isEqualTo(whole.idOf(whole.tokenOf(id)));
    }
    for (int id : new int[] {-1, whole.vocabularySize()}) {
      assertThatExceptionOfType(InputException.class)
          .isThrownBy(() -> gradual.tokenOf(id))
          .withMessage("The tokenizer has no token with id " + id + ".");
      assertThat(gradual.decode(new int[] {id}, false)).isEmpty();
      assertThat(gradual.isSpecial(id)).isFalse();
    }
    assertThat(gradual.idOf("[PAD" + whole.vocabularySize() + "]")).isEmpty();
  }

  @Test
  void usedAgainItIsTheWhole() throws Exception {
    GgufTokenizer vocabulary = tokenizer(metadata("tiny"));
    Tokenizer whole = HuggingFaceTokenizer.of(vocabulary.file(NAME));
    Tokenizer gradual = new GradualTokenizer(vocabulary, NAME);
    String longer = "seven books ".repeat(400);

    for (String text : List.of("seven", "books", longer, "seven books")) {
      assertThat(gradual.encode(text)).isEqualTo(whole.encode(text));
    }
    int[] ids = whole.encode(longer);
    assertThat(gradual.decode(ids, false)).isEqualTo(longer);
  }

  @Test
  void whatIsWrongWithTheWholeIsToldWhereItIsNeeded() throws Exception {
    SequencedMap<String, GgufValue> metadata = metadata("tiny");
    metadata.put("tokenizer.ggml.merges", new GgufValue.Texts(List.of("zzz qqq")));
    Tokenizer gradual = new GradualTokenizer(tokenizer(metadata), NAME);

    assertThat(gradual.encode("a")).isNotEmpty();
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> gradual.encode("seven books ".repeat(400)))
        .withMessageContaining("merge 0 names 'zzz'");
  }

  @Test
  void smallVocabulariesAndThoseOfCharactersAreTakenUpAtOnce() throws Exception {
    assertThat(tokenizer(metadata("tiny")).tokenizer(NAME))
        .isInstanceOf(HuggingFaceTokenizer.class);
    assertThat(tokenizer(large(metadata("tiny"))).tokenizer(NAME))
        .isInstanceOf(GradualTokenizer.class);
    assertThat(tokenizer(large(metadata("llama2"))).tokenizer(NAME))
        .isInstanceOf(HuggingFaceTokenizer.class);
  }

  private static SequencedMap<String, GgufValue> large(SequencedMap<String, GgufValue> metadata) {
    GgufValue.Texts tokens = (GgufValue.Texts) metadata.get("tokenizer.ggml.tokens");
    List<String> more = new ArrayList<>(tokens.values());
    while (more.size() < GradualTokenizer.LEAST_TOKENS) {
      more.add("more" + more.size());
    }
    metadata.put("tokenizer.ggml.tokens", new GgufValue.Texts(more));
    long[] types = new long[more.size()];
    System.arraycopy(
        ((GgufValue.Wholes) metadata.get("tokenizer.ggml.token_type")).values(),
        0,
        types,
        0,
        tokens.values().size());
    Arrays.fill(types, tokens.values().size(), types.length, 1);
    metadata.put(
        "tokenizer.ggml.token_type", new GgufValue.Wholes(GgufValue.WholeType.INT32, types));
    metadata.computeIfPresent(
        "tokenizer.ggml.scores",
        (key, old) -> new GgufValue.Reals(GgufValue.RealType.FLOAT32, new double[types.length]));
    return metadata;
  }
}
