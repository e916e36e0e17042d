package io.github.vlm4j.text.decoder;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.checkpoint.Checkpoint;
import io.github.vlm4j.core.checkpoint.ConfigNode;
import io.github.vlm4j.core.model.TokenPositions;
import io.github.vlm4j.core.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Rotary settings against transformers; made by tools/reference/decoders/rope_cases.py. */
class TextRotaryTest {

  private static final Path FOLDER = Path.of("src/test/resources/rope");

  record Case(String name, ConfigNode config, int[] positions, double attentionFactor) {

    TextRotary rotary() {
      return TextRotary.read(config, config.positiveInt("head_dim"));
    }

    @Override
    public String toString() {
      return name;
    }
  }

  static List<Case> cases() throws IOException {
    JsonNode file = new ObjectMapper().readTree(FOLDER.resolve("cases.json").toFile());
    int[] positions = new int[file.get("positions").size()];
    for (int i = 0; i < positions.length; i++) {
      positions[i] = file.get("positions").get(i).intValue();
    }
    List<Case> cases = new ArrayList<>();
    for (JsonNode each : file.get("cases")) {
      cases.add(
          new Case(
              each.get("name").textValue(),
              ConfigNode.parse("config.json", each.get("config").toString()),
              positions,
              each.get("attentionFactor").doubleValue()));
    }
    return cases;
  }

  private static Tensor zeros(int rows, int columns) {
    return Tensor.ofFloats(new float[rows * columns], rows, columns);
  }

  /** The reference's powers are not always the nearest floats, which shows in the last bit. */
  @ParameterizedTest
  @MethodSource("cases")
  void frequenciesEqualTheReferenceButForTheLastBits(Case each) {
    float[] frequencies = each.rotary().frequencies();
    try (Checkpoint expected = Checkpoint.open(FOLDER.resolve("expected.safetensors"))) {
      float[] reference = expected.tensor(each.name() + ".frequencies").toFloats();
      assertThat(frequencies).hasSameSizeAs(reference);
      int equal = 0;
      for (int j = 0; j < reference.length; j++) {
        assertThat(Math.abs(frequencies[j] - reference[j]))
            .as("frequency %d", j)
            .isLessThanOrEqualTo(2 * Math.ulp(reference[j]));
        equal += frequencies[j] == reference[j] ? 1 : 0;
      }
      assertThat(equal).isGreaterThanOrEqualTo(reference.length * 3 / 4);
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void attentionFactorEqualsTheReference(Case each) {
    assertThat(each.rotary().attentionFactor()).isEqualTo((float) each.attentionFactor());
  }

  @ParameterizedTest
  @MethodSource("cases")
  void tablesEqualTheReferenceUpToHighPositions(Case each) {
    TextRotary rotary = each.rotary();
    int[] positions = each.positions();
    TokenPositions tokens =
        new TokenPositions(positions, new int[positions.length], new int[positions.length], 0);
    Tensor cos = zeros(positions.length - 1, rotary.angles());
    Tensor sin = zeros(positions.length - 1, rotary.angles());
    rotary.fill(tokens, 1, positions.length - 1, cos, sin);
    float[] frequencies = rotary.frequencies();
    try (Checkpoint expected = Checkpoint.open(FOLDER.resolve("expected.safetensors"))) {
      Tensor reference = expected.tensor(each.name() + ".frequencies");
      Tensor expectedCos = expected.tensor(each.name() + ".cos");
      Tensor expectedSin = expected.tensor(each.name() + ".sin");
      for (int i = 1; i < positions.length; i++) {
        for (int j = 0; j < rotary.angles(); j++) {
          // Where the frequencies differ in a bit, so much do the angles.
          double turned = positions[i] * (double) Math.abs(frequencies[j] - reference.getFloat(j));
          double rounding = turned == 0 ? 0 : turned + Math.ulp(positions[i] * frequencies[j]);
          long at = (long) (i - 1) * rotary.angles() + j;
          long atExpected = (long) i * rotary.angles() + j;
          String where = "position %d, pair %d".formatted(positions[i], j);
          double tolerance = 1e-6 + 2 * rounding;
          assertThat(Math.abs(cos.getFloat(at) - expectedCos.getFloat(atExpected)))
              .as(where)
              .isLessThanOrEqualTo((float) tolerance);
          assertThat(Math.abs(sin.getFloat(at) - expectedSin.getFloat(atExpected)))
              .as(where)
              .isLessThanOrEqualTo((float) tolerance);
        }
      }
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '~',
      value = {
        "{'rope_scaling': {'rope_type': 'longrope', 'factor': 2}} ~ config.json:"
            + " rope_scaling.rope_type must be 'default', 'linear', 'llama3' or 'yarn'",
        "{'rope_scaling': {'type': 'dynamic', 'factor': 2}} ~ rope_scaling.type must be 'default'",
        "{'rope_parameters': {'rope_type': 7}} ~ rope_parameters.rope_type must be a string",
        "{'rope_scaling': {'type': 'linear'}} ~ rope_scaling.factor",
        "{'rope_scaling': {'type': 'linear', 'factor': 0}} ~ rope_scaling.factor must be a"
            + " positive",
        "{'rope_scaling': 4} ~ rope_scaling must be an object",
        "{'rope_theta': -1} ~ rope_theta must be a positive number",
        "{'rope_theta': 1e300} ~ rope_theta must be such that",
        "{'rope_scaling': {'type': 'linear', 'factor': 1e-320}} ~ all angles are finite",
        "{'rope_scaling': {'type': 'llama3', 'factor': 8, 'low_freq_factor': 4,"
            + " 'high_freq_factor': 4, 'original_max_position_embeddings': 8192}}"
            + " ~ rope_scaling.high_freq_factor must be more than low_freq_factor",
        "{'rope_scaling': {'type': 'llama3', 'factor': 8, 'low_freq_factor': 1,"
            + " 'high_freq_factor': 4}} ~ max_position_embeddings is missing",
        "{'rope_theta': 1, 'rope_scaling': {'type': 'yarn', 'factor': 8,"
            + " 'original_max_position_embeddings': 64}} ~ config.json: rope_theta must be more"
            + " than 1",
        "{'rope_scaling': {'type': 'yarn', 'original_max_position_embeddings': 64}}"
            + " ~ max_position_embeddings is missing",
        "{'rope_scaling': {'type': 'yarn', 'factor': 8, 'original_max_position_embeddings': 0}}"
            + " ~ original_max_position_embeddings must be a positive integer",
        "{'rope_scaling': {'type': 'yarn', 'factor': 8, 'attention_factor': -2,"
            + " 'original_max_position_embeddings': 64}} ~ attention_factor must be a positive",
        "{'rope_parameters': {'full_attention': {}, 'sliding_attention': {}}}"
            + " ~ rope_parameters.full_attention must be absent",
        "{'partial_rotary_factor': 0.5} ~ partial_rotary_factor must be 1"
      })
  void settingsThatCannotBeUsedAreNamed(String config, String problem) {
    ConfigNode node = ConfigNode.parse("config.json", config.replace('\'', '"'));
    assertThatThrownBy(() -> TextRotary.read(node, 64))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining(problem.replace('\'', '"'));
  }

  @Test
  void onTextOneTokenFurtherTurnsEveryPairByItsFrequency() {
    TextRotary rotary = TextRotary.read(ConfigNode.parse("config.json", "{}"), 4);
    Tensor cos = zeros(2, 2);
    Tensor sin = zeros(2, 2);
    rotary.fill(TokenPositions.sequential(), 0, 2, cos, sin);
    assertThat(cos.toFloats()).containsExactly(1, 1, (float) Math.cos(1), (float) Math.cos(0.01f));
    assertThat(sin.toFloats()).containsExactly(0, 0, (float) Math.sin(1), (float) Math.sin(0.01f));
  }
}
