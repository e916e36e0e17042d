package io.github.vlm4j.text.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.vlm4j.text.template.RenderedPrompt;
import io.github.vlm4j.text.template.RenderedPrompt.Span;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The layouts of published decoders' tokenizers against the tokenizers library; made by
 * tools/reference/tokenizer/kind_cases.py.
 */
class TokenizerKindsTest {

  private static final Path FOLDER = Path.of("src/test/resources/tokenizer");

  /** A tokenizer, its added tokens, and what the reference makes of some texts. */
  record Kind(String name, Tokenizer tokenizer, Set<Integer> added, List<Reference> references) {

    static Kind load(String name) {
      Path folder = FOLDER.resolve(name);
      Set<Integer> added = new HashSet<>();
      json(folder.resolve("tokenizer.json"))
          .path("added_tokens")
          .forEach(token -> added.add(token.path("id").intValue()));
      List<Reference> references = new ArrayList<>();
      json(folder.resolve("expected.json")).forEach(each -> references.add(Reference.of(each)));
      return new Kind(name, Tokenizer.load(folder), added, references);
    }

    int[] addedIn(int[] ids) {
      return IntStream.of(ids).filter(added::contains).toArray();
    }

    @Override
    public String toString() {
      return name;
    }
  }

  record Reference(String text, int[] ids, int[] before, String decoded, String withoutSpecial) {

    static Reference of(JsonNode node) {
      return new Reference(
          node.get("text").textValue(),
          ints(node.get("ids")),
          ints(node.get("before")),
          node.get("decoded").textValue(),
          node.get("withoutSpecial").textValue());
    }
  }

  private static JsonNode json(Path file) {
    try {
      return new ObjectMapper().readTree(file.toFile());
    } catch (IOException unreadable) {
      throw new IllegalStateException(unreadable);
    }
  }

  private static int[] ints(JsonNode list) {
    return IntStream.range(0, list.size()).map(i -> list.get(i).intValue()).toArray();
  }

  static Stream<Kind> kinds() {
    return Stream.of("llama2", "metaspace", "llama3", "tekken").map(Kind::load);
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void trustedTextIsEncodedAsTheReferenceDoes(Kind kind) {
    for (Reference reference : kind.references()) {
      assertThat(kind.tokenizer().encode(RenderedPrompt.trusted(reference.text())))
          .as(reference.text())
          .isEqualTo(reference.ids());
    }
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void idsAreDecodedAsTheReferenceDoes(Kind kind) {
    for (Reference reference : kind.references()) {
      assertThat(kind.tokenizer().decode(reference.ids(), false)).isEqualTo(reference.decoded());
      assertThat(kind.tokenizer().decode(reference.ids(), true))
          .isEqualTo(reference.withoutSpecial());
    }
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void untrustedTextHasNoAddedTokensAndOtherwiseTheReferencesIds(Kind kind) {
    for (Reference reference : kind.references()) {
      int[] ids = kind.tokenizer().encode(reference.text());
      assertThat(kind.addedIn(ids)).as(reference.text()).isEmpty();
      if (kind.addedIn(reference.ids()).length == 0) {
        assertThat(ids).as(reference.text()).isEqualTo(reference.ids());
      } else {
        // Sentencepiece reads its own mark as a blank, and adds one where text begins.
        assertThat(kind.tokenizer().decode(ids, true).replaceAll("[\\s\u2581]", ""))
            .isEqualTo(reference.text().replaceAll("[\\s\u2581]", ""));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void injectedControlTokensLeaveTheTrustedOnesAlone(Kind kind) {
    List<String> control =
        kind.added().stream()
            .map(kind.tokenizer()::tokenOf)
            .filter(t -> !t.equals("<unk>"))
            .toList();
    for (String first : control) {
      for (String second : control) {
        String text = first + " hello " + second + "x" + first;
        int start = first.length();
        int end = text.length() - first.length();
        List<Span> spans =
            List.of(
                new Span(0, start, true),
                new Span(start, end, false),
                new Span(end, text.length(), true));
        int[] ids = kind.tokenizer().encode(new RenderedPrompt(text, spans));
        int id = kind.tokenizer().idOf(first).orElseThrow();
        assertThat(kind.addedIn(ids)).as(text).containsExactly(id, id);
        assertThat(kind.tokenizer().decode(ids, false)).contains(second + "x" + first);
      }
    }
  }

  /** As in Llama 1; by the library's rule the second of two neighbours would be plain text. */
  @Test
  void addedTokensMarkedAsNormalizedAreFoundAsTheyAreWritten(@TempDir Path folder)
      throws IOException {
    Kind kind = Kind.load("llama2");
    String json = Files.readString(FOLDER.resolve("llama2/tokenizer.json"));
    assertThat(json).contains("\"normalized\":false");
    Files.writeString(
        folder.resolve("tokenizer.json"),
        json.replace("\"normalized\":false", "\"normalized\":true"));
    Tokenizer marked = Tokenizer.load(folder);
    for (Reference reference : kind.references()) {
      assertThat(marked.encode(RenderedPrompt.trusted(reference.text())))
          .as(reference.text())
          .isEqualTo(reference.ids());
      assertThat(marked.decode(reference.ids(), true)).isEqualTo(reference.withoutSpecial());
    }
  }

  @ParameterizedTest
  @CsvSource({"llama2, 1", "metaspace, 1", "llama3, 349", "tekken, 347"})
  void theFrameIsWhatTheReferencePutsBeforeAText(String name, int begin) {
    Kind kind = Kind.load(name);
    for (Reference reference : kind.references()) {
      assertThat(reference.before()).isEqualTo(new int[] {begin});
    }
    assertThat(kind.tokenizer().frame().before()).containsExactly(begin);
    assertThat(kind.tokenizer().frame().after()).isEmpty();
  }
}
