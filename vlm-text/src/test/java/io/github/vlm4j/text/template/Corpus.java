package io.github.vlm4j.text.template;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** The templates, conversations and expected texts that tools/reference/templates writes. */
final class Corpus {

  /** The time at which the reference rendered. */
  static final Clock CLOCK = Clock.fixed(Instant.parse("2024-07-06T09:05:03Z"), ZoneOffset.UTC);

  /**
   * One rendering.
   *
   * @param file the template's file, or null where {@code source} is given
   * @param expected what jinja2 renders, or null where it fails
   * @param error jinja2's message, or null where it renders
   */
  record Case(
      String name,
      @Nullable String file,
      @Nullable String source,
      Map<String, Object> variables,
      @Nullable String expected,
      @Nullable String error) {

    String template() {
      return source != null ? source : resource(Objects.requireNonNull(file));
    }

    @Override
    public String toString() {
      return name;
    }
  }

  private Corpus() {}

  static List<Case> cases() {
    try {
      return new ObjectMapper()
          .readValue(resource("corpus.json"), new TypeReference<List<Case>>() {});
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  static String resource(String file) {
    try (InputStream in = Corpus.class.getResourceAsStream("/template/" + file)) {
      return new String(Objects.requireNonNull(in, file).readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }
}
