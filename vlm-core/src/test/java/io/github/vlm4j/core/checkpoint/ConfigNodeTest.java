package io.github.vlm4j.core.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.github.vlm4j.core.CheckpointException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ConfigNodeTest {

  private static final String CONFIG =
      """
      {"model_type": "qwen3_vl", "text_config": {"hidden_size": 2048, "rms_norm_eps": 1e-06,
       "rope_theta": 5000000, "rope_scaling": {"mrope_section": [24, 20, 20]}, "sliding": null,
       "tie": true}, "eos": 7, "eos_ids": [1, 2], "mean": [0.5, 1], "names": ["a", "b"],
       "items": [{"id": 1}, {"id": "x"}], "big": 1000000000000000019884624838656,
       "huge": 1e999, "nan": NaN, "negative": -1, "zero": 0}
      """;

  @TempDir Path folder;

  @Test
  void returnsFieldsByType() throws IOException {
    ConfigNode config = read(CONFIG);
    assertThat(config.where()).isEqualTo("config.json");
    assertThat(config.string("model_type")).isEqualTo("qwen3_vl");
    ConfigNode text = config.object("text_config");
    assertThat(text.where()).isEqualTo("config.json: text_config");
    assertThat(text.fields())
        .containsExactly(
            "hidden_size", "rms_norm_eps", "rope_theta", "rope_scaling", "sliding", "tie");
    assertThat(text.positiveInt("hidden_size")).isEqualTo(2048);
    assertThat(text.intBetween("hidden_size", 1, 2048)).isEqualTo(2048);
    assertThat(text.positiveDouble("rms_norm_eps")).isEqualTo(1e-6);
    assertThat(text.doubleValue("rope_theta")).isEqualTo(5e6);
    assertThat(text.booleanValue("tie")).isTrue();
    assertThat(text.object("rope_scaling").ints("mrope_section")).containsExactly(24, 20, 20);
    assertThat(config.oneOrMoreInts("eos")).containsExactly(7);
    assertThat(config.oneOrMoreInts("eos_ids")).containsExactly(1, 2);
    assertThat(config.oneOrMoreInts("absent")).isEmpty();
    assertThat(config.doubles("mean")).containsExactly(0.5, 1);
    assertThat(config.strings("names")).containsExactly("a", "b");
    assertThat(config.objects("items")).hasSize(2);
    assertThat(config.objects("items").get(0).intValue("id")).isEqualTo(1);
    assertThat(config.intValue("negative")).isEqualTo(-1);
    assertThat(config.nonNegativeInt("zero")).isZero();
    assertThat(config.isObject("text_config")).isTrue();
    assertThat(config.isList("mean")).isTrue();
    assertThat(config.isString("model_type")).isTrue();
    assertThat(config.isString("eos")).isFalse();
    assertThat(config.isSet("tie")).isFalse();
    assertThat(config.isSet("eos")).isTrue();
    assertThat(config.isSet("mean")).isTrue();
    assertThat(text.isSet("tie")).isTrue();
    assertThat(text.isSet("sliding")).isFalse();
  }

  @Test
  void defaultsAreForAbsentAndNullFields() throws IOException {
    ConfigNode text = read(CONFIG).object("text_config");
    assertThat(text.has("sliding")).isFalse();
    assertThat(text.has("tie")).isTrue();
    assertThat(text.positiveIntOr("sliding", 4)).isEqualTo(4);
    assertThat(text.positiveIntOr("hidden_size", 4)).isEqualTo(2048);
    assertThat(text.nonNegativeIntOr("absent", 0)).isZero();
    assertThat(text.intOr("absent", -3)).isEqualTo(-3);
    assertThat(text.doubleOr("absent", 0.1)).isEqualTo(0.1);
    assertThat(text.positiveDoubleOr("rms_norm_eps", 1)).isEqualTo(1e-6);
    assertThat(text.booleanOr("absent", true)).isTrue();
    assertThat(text.stringOr("absent", "silu")).isEqualTo("silu");
    assertThat(text.stringIfPresent("absent")).isEmpty();
    assertThat(text.objectIfPresent("sliding")).isEmpty();
    assertThat(text.objectIfPresent("rope_scaling")).isPresent();
    assertThat(text.intsOr("absent", 1, 2)).containsExactly(1, 2);
    assertThat(text.doublesOr("absent", 0.5)).containsExactly(0.5);
  }

  @Test
  void errorsNameFileFieldExpectedAndFound() throws IOException {
    ConfigNode config = read(CONFIG);
    ConfigNode text = config.object("text_config");
    assertSentence(
        () -> text.positiveInt("absent"),
        "text_config.absent is missing; it must be a positive integer");
    assertSentence(
        () -> text.positiveInt("sliding"),
        "text_config.sliding must be a positive integer, got null");
    assertSentence(
        () -> config.positiveInt("model_type"),
        "model_type must be a positive integer, got \"qwen3_vl\"");
    assertSentence(() -> config.positiveIntOr("zero", 1), "zero must be a positive integer, got 0");
    assertSentence(
        () -> config.nonNegativeInt("negative"), "negative must be a non-negative integer, got -1");
    assertSentence(
        () -> config.intValue("big"),
        "big must be an integer, got 1000000000000000019884624838656");
    assertSentence(() -> config.intValue("mean"), "mean must be an integer, got a list of 2");
    assertSentence(
        () -> text.intBetween("hidden_size", 1, 64),
        "text_config.hidden_size must be an integer from 1 to 64, got 2048");
    assertSentence(
        () -> text.positiveInt("rms_norm_eps"),
        "text_config.rms_norm_eps must be a positive integer, got 1.0E-6");
    assertSentence(() -> config.doubleValue("huge"), "huge must be a finite number, got Infinity");
    assertSentence(() -> config.doubleValue("nan"), "nan must be a finite number, got NaN");
    assertSentence(
        () -> config.positiveDouble("negative"), "negative must be a positive number, got -1");
    assertSentence(() -> config.booleanOr("zero", true), "zero must be true or false, got 0");
    assertSentence(() -> config.stringOr("eos", ""), "eos must be a string, got 7");
    assertSentence(() -> config.object("eos"), "eos must be an object, got 7");
    assertSentence(
        () -> config.ints("mean"), "mean must be a list of integers, but entry 0 is 0.5");
    assertSentence(
        () -> config.doubles("names"),
        "names must be a list of finite numbers, but entry 0 is \"a\"");
    assertSentence(() -> config.strings("eos"), "eos must be a list of strings, got 7");
    assertSentence(
        () -> config.oneOrMoreInts("names"),
        "names must be a list of integers, but entry 0 is \"a\"");
    assertSentence(
        () -> config.objects("items").get(1).intValue("id"),
        "items[1].id must be an integer, got \"x\"");
    assertThat(text.invalid("hidden_size", "a multiple of 3"))
        .hasMessage("config.json: text_config.hidden_size must be a multiple of 3, got 2048");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "[1]|config.json must hold a JSON object, but holds a list of 1",
        "3|config.json must hold a JSON object, but holds 3",
        "`   `|config.json must hold a JSON object, but is empty",
        "{} {}|config.json goes on after its closing brace with an object",
        "{'a':1,'a':2}|config.json is not valid JSON: Duplicate field 'a'",
        "{'b':{'a':1,'a':2}}|config.json is not valid JSON: Duplicate field 'a'",
        "{'a':|config.json is not valid JSON: Unexpected end-of-input",
        "{'a':1,}|config.json is not valid JSON: Unexpected character ('}'",
        "{'a':01}|config.json is not valid JSON: Invalid numeric value: Leading zeroes not allowed",
      })
  void refusesWhatIsNotOneObject(String json, String sentence) throws IOException {
    String text = json.replace('\'', '"');
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> read(text))
        .withMessageStartingWith(sentence);
  }

  @Test
  void refusesWhatIsNotUtf8() throws IOException {
    Path path = folder.resolve("config.json");
    Files.write(path, "{\"a\":\"é\"}".getBytes(StandardCharsets.ISO_8859_1));
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> ConfigNode.read(path))
        .withMessage("config.json is not valid UTF-8");
    Files.write(path, "{\"a\":1}".getBytes(StandardCharsets.UTF_16));
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> ConfigNode.read(path))
        .withMessage("config.json is not valid UTF-8");
  }

  @Test
  void boundsSizeDepthAndNumberOfValues() throws IOException {
    Path path = Files.writeString(folder.resolve("config.json"), "{\"a\":1234}");
    assertThat(ConfigNode.read(path, 10).intValue("a")).isEqualTo(1234);
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> ConfigNode.read(path, 9))
        .withMessage("config.json has 10 bytes, but at most 9 are read");
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> read("{\"a\":" + "[".repeat(1_000_000)))
        .withMessageContaining("nesting depth (65) exceeds the maximum allowed (64");
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> read("{\"a\":[" + "1,".repeat(2_000_000) + "1]}"))
        .withMessageContaining("Token count (524289) exceeds the maximum allowed (524288");
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> read("{\"a\":" + "1".repeat(2000) + "}"))
        .withMessageContaining("Number value length (2000) exceeds the maximum allowed");
  }

  @Test
  void namesTheFileThatIsMissing() {
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> ConfigNode.read(folder.resolve("config.json")))
        .withMessage("config.json is missing from " + folder);
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> ConfigNode.read(folder))
        .withMessage(folder + " is not a regular file");
  }

  @Test
  void parsesTextUnderItsOrigin() {
    ConfigNode node = ConfigNode.parse("the request", "{\"a\": \"\\u001b[31m\"}");
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> node.intValue("a"))
        .withMessage("the request: a must be an integer, got \"\\u001b[31m\"");
  }

  private static void assertSentence(Getter getter, String sentence) {
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(getter::get)
        .withMessage("config.json: %s", sentence);
  }

  private ConfigNode read(String json) throws IOException {
    return ConfigNode.read(Files.writeString(folder.resolve("config.json"), json));
  }

  private interface Getter {
    Object get();
  }
}
