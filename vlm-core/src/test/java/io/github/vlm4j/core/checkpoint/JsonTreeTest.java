package io.github.vlm4j.core.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JsonTreeTest {

  private static JsonNode read(String json) throws IOException {
    try (JsonParser parser = new JsonFactory().createParser(json)) {
      return JsonTree.read(parser);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{}",
        "[]",
        "null",
        "true",
        "\"\"",
        "-1",
        "2147483648",
        "123456789012345678901234567890",
        "1e-05",
        "0.1",
        "[1, [false, null, {\"a\": []}], \"é \\u0000 \\ud83d\\ude00\"]",
        "{\"b\": {\"c\": [1.5, {}]}, \"a\": 1, \"\": \"x\", \"a\": 2}"
      })
  void isTheTreeThatTheMapperMakes(String json) throws IOException {
    JsonNode expected = new ObjectMapper().readTree(json);

    assertThat(read(json)).isEqualTo(expected);
    assertThat(JsonTree.text(expected)).isEqualTo(expected.toString());
  }

  @Test
  void anEmptyDocumentHasNoTree() throws IOException {
    assertThat(read(" ")).isNull();
  }

  @ParameterizedTest
  @ValueSource(strings = {"{", "[1,", "{\"a\" 1}", "[1}", "nul", "]"})
  void malformedDocumentsAreRefused(String json) {
    assertThatExceptionOfType(JsonProcessingException.class).isThrownBy(() -> read(json));
  }

  @Test
  void whatComesAfterAValueIsLeft() throws IOException {
    try (JsonParser parser = new JsonFactory().createParser("[{\"a\": 1}, 2]")) {
      parser.nextToken();
      parser.nextToken();

      assertThat(JsonTree.read(parser)).isEqualTo(read("{\"a\": 1}"));
      assertThat(parser.nextToken()).isEqualTo(JsonToken.VALUE_NUMBER_INT);
    }
  }
}
