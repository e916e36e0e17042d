package io.github.vlm4j.core.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.ModelException;
import io.github.vlm4j.core.backend.Executable;
import io.github.vlm4j.core.checkpoint.Checkpoint;
import io.github.vlm4j.core.checkpoint.SafetensorsWriter;
import io.github.vlm4j.core.conformance.OracleBackend;
import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.nn.Linear;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Tensor;
import java.io.IOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Holds adapters to what PEFT computes ({@code tools/reference/lora}). */
final class LoraAdapterTest {

  private static final int HIDDEN = 12;
  private static final int MIDDLE = 20;
  private static final String CONFIG = "{\"peft_type\": \"LORA\", \"r\": 2, \"lora_alpha\": 4%s}";

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"plain", "patterns"})
  void mapsWithAnAdapterComputeWhatPeftComputesBothUnmergedAndMerged(String name) {
    try (Checkpoint model = Checkpoint.open(fixtures().resolve("model.safetensors"));
        LoraAdapter adapter = LoraAdapter.open(fixtures().resolve(name));
        Checkpoint expected =
            Checkpoint.open(fixtures().resolve(name).resolve("expected.safetensors"))) {
      WeightScope scope = WeightScope.of(new AdaptedWeights(new CheckpointWeights(model), adapter));
      Map<String, Linear> maps = maps(scope);
      adapter.requireAllUsed(scope.tree());
      Tensor x = expected.tensor("x");
      maps.forEach((path, map) -> {
        float[] found = run(scope.source(), map, x);
        assertThat(found).containsExactly(floats(expected, path), Offset.offset(1e-5f));
        assertThat(found).containsExactly(floats(expected, "merged." + path), Offset.offset(1e-4f));
      });
    }
  }

  @Test
  void partsOfAFusedMapTakeTheirRowsOfTheAdapter() {
    try (Checkpoint model = Checkpoint.open(fixtures().resolve("model.safetensors"));
        LoraAdapter adapter = LoraAdapter.open(fixtures().resolve("plain"));
        Checkpoint expected =
            Checkpoint.open(fixtures().resolve("plain").resolve("expected.safetensors"))) {
      WeightScope scope = WeightScope.of(new AdaptedWeights(new CheckpointWeights(model), adapter));
      Linear keys = maps(scope).get("attn.c_attn").outputs(HIDDEN, 2 * HIDDEN);
      float[] found = run(scope.source(), keys, expected.tensor("x"));
      float[] whole = floats(expected, "attn.c_attn");
      for (int token = 0; token < found.length / HIDDEN; token++) {
        for (int i = 0; i < HIDDEN; i++) {
          assertThat(found[token * HIDDEN + i])
              .isCloseTo(whole[token * 3 * HIDDEN + HIDDEN + i], Offset.offset(1e-5f));
        }
      }
    }
  }

  @Test
  void withoutAnAdapterTheSameMapsComputeSomethingElse() {
    try (Checkpoint model = Checkpoint.open(fixtures().resolve("model.safetensors"));
        Checkpoint expected =
            Checkpoint.open(fixtures().resolve("plain").resolve("expected.safetensors"))) {
      WeightScope scope = WeightScope.of(new CheckpointWeights(model));
      float[] found = run(scope.source(), maps(scope).get("mlp.w1"), expected.tensor("x"));
      assertThat(found[0]).isNotCloseTo(floats(expected, "mlp.w1")[0], Offset.offset(1e-2f));
    }
  }

  @Test
  void theModulesShowTheAdapterAndNothingOfTheModelIsCopied() {
    try (Checkpoint model = Checkpoint.open(fixtures().resolve("model.safetensors"));
        LoraAdapter adapter = LoraAdapter.open(fixtures().resolve("patterns"))) {
      WeightScope scope = WeightScope.of(new AdaptedWeights(new CheckpointWeights(model), adapter));
      maps(scope);
      assertThat(adapter.targets())
          .containsExactlyInAnyOrder("attn.c_attn", "attn.c_proj", "mlp.w1", "mlp.w2");
      assertThat(scope.tree().kind("attn.c_attn.lora_A")).contains("Linear(12 → 6)");
      assertThat(scope.tree().weights().get("mlp.w1.lora_B.weight").dtype()).isEqualTo(DType.BF16);
      assertThat(scope.source().tensor("mlp.w1.weight").data().address())
          .isEqualTo(model.tensor("mlp.w1.weight").data().address());
    }
  }

  @Test
  void anAdapterOfAMapThatTheModelDoesNotHaveIsRefused() {
    try (Checkpoint model = Checkpoint.open(fixtures().resolve("model.safetensors"));
        LoraAdapter adapter = LoraAdapter.open(fixtures().resolve("plain"))) {
      WeightScope scope = WeightScope.of(new AdaptedWeights(new CheckpointWeights(model), adapter));
      Linear.of(scope.at("attn.c_attn"), HIDDEN, 3 * HIDDEN);
      Linear.withoutBias(scope.at("mlp.w2"), HIDDEN, MIDDLE);
      assertThatThrownBy(() -> adapter.requireAllUsed(scope.tree()))
          .isInstanceOf(ModelException.class)
          .hasMessageContaining("adapter_model.bin")
          .hasMessageContaining("mlp.w1,")
          .hasMessageContaining("does not have");
    }
  }

  @Test
  void anAdapterOfAnotherWidthIsRefused() throws IOException {
    write(CONFIG.formatted(""), lora("mlp.w1", 2, HIDDEN + 1, MIDDLE));
    try (Checkpoint model = Checkpoint.open(fixtures().resolve("model.safetensors"));
        LoraAdapter adapter = LoraAdapter.open(folder)) {
      WeightScope scope = WeightScope.of(new AdaptedWeights(new CheckpointWeights(model), adapter));
      assertThatThrownBy(() -> maps(scope))
          .isInstanceOf(ModelException.class)
          .hasMessageContaining("base_model.model.mlp.w1.lora_A.weight")
          .hasMessageContaining("[2, 13]")
          .hasMessageContaining("[2, 12]");
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "\"use_dora\": true | use_dora",
        "\"bias\": \"lora_only\" | bias",
        "\"lora_bias\": true | lora_bias",
        "\"modules_to_save\": [\"lm_head\"] | modules_to_save",
        "\"fan_in_fan_out\": true | fan_in_fan_out",
        "\"layer_replication\": [[0, 4]] | layer_replication",
        "\"alora_invocation_tokens\": [1, 2] | alora_invocation_tokens",
        "\"target_parameters\": [\"experts\"] | target_parameters",
        "\"init_lora_weights\": \"pissa\" | init_lora_weights",
        "\"rank_pattern\": {\"(a+)+\": 2} | rank_pattern",
        "\"alpha_pattern\": {\"w1\": \"x\"} | alpha_pattern.w1",
        "\"target_modules\": [\"c_attn\"] | target_modules",
      })
  void whatWouldComputeSomethingElseIsRefusedByItsField(String field, String named)
      throws IOException {
    write(CONFIG.formatted(", " + field), lora("mlp.w1", 2, HIDDEN, MIDDLE));
    assertRefused(() -> LoraAdapter.open(folder), "adapter_config.json: " + named);
  }

  @Test
  void whatIsSetToItsDefaultIsRead() throws IOException {
    write(
        CONFIG.formatted(
            ", \"use_dora\": false, \"modules_to_save\": [], \"layer_replication\": null,"
                + " \"init_lora_weights\": \"gaussian\", \"bias\": \"none\","
                + " \"target_modules\": \".*w[12]\""),
        lora("mlp.w1", 2, HIDDEN, MIDDLE));
    try (LoraAdapter adapter = LoraAdapter.open(folder)) {
      assertThat(adapter.of("mlp.w1")).contains(new LowRank(2, 2));
      assertThat(adapter.of("mlp.w2")).isEmpty();
    }
  }

  @Test
  void otherKindsOfAdaptersAreRefused() throws IOException {
    write("{\"peft_type\": \"IA3\"}", lora("mlp.w1", 2, HIDDEN, MIDDLE));
    assertRefused(() -> LoraAdapter.open(folder), "peft_type must be \"LORA\"");
  }

  @Test
  void aRankThatIsNotTheTensorsIsRefused() throws IOException {
    write(CONFIG.formatted(", \"rank_pattern\": {\"w1\": 3}"), lora("mlp.w1", 2, HIDDEN, MIDDLE));
    assertRefused(() -> LoraAdapter.open(folder), "mlp.w1", "[2, 12]", "[3, in]", "rank_pattern");
  }

  @Test
  void oneMatrixWithoutTheOtherIsRefused() throws IOException {
    Map<String, Tensor> tensors = lora("mlp.w1", 2, HIDDEN, MIDDLE);
    tensors.remove("base_model.model.mlp.w1.lora_B.weight");
    write(CONFIG.formatted(""), tensors);
    assertRefused(() -> LoraAdapter.open(folder), "mlp.w1.lora_B.weight", "incomplete");
  }

  @Test
  void tensorsThatAreNotOfALowRankAdapterAreRefused() throws IOException {
    Map<String, Tensor> tensors = lora("mlp.w1", 2, HIDDEN, MIDDLE);
    tensors.put(
        "base_model.model.mlp.w1.lora_magnitude_vector", Tensor.ofFloats(new float[20], 20));
    write(CONFIG.formatted(""), tensors);
    assertRefused(() -> LoraAdapter.open(folder), "lora_magnitude_vector", "lora_A.weight");
  }

  @Test
  void aFolderWithoutAnAdapterSaysWhatIsMissing() {
    assertRefused(() -> LoraAdapter.open(folder), "adapter_model.safetensors is missing");
  }

  private static void assertRefused(ThrowingCallable action, String... parts) {
    var thrown = assertThatThrownBy(action).isInstanceOf(CheckpointException.class);
    for (String part : parts) {
      thrown.hasMessageContaining(part);
    }
  }

  private void write(String config, Map<String, Tensor> tensors) throws IOException {
    Files.writeString(folder.resolve("adapter_config.json"), config);
    SafetensorsWriter.write(folder.resolve("adapter_model.safetensors"), tensors);
  }

  private static Map<String, Tensor> lora(String path, int rank, int in, int out) {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    String prefix = "base_model.model." + path;
    tensors.put(prefix + ".lora_A.weight", Tensor.ofFloats(new float[rank * in], rank, in));
    tensors.put(prefix + ".lora_B.weight", Tensor.ofFloats(new float[out * rank], out, rank));
    return tensors;
  }

  private static Map<String, Linear> maps(WeightScope scope) {
    Map<String, Linear> maps = new LinkedHashMap<>();
    maps.put("attn.c_attn", Linear.of(scope.at("attn.c_attn"), HIDDEN, 3 * HIDDEN));
    maps.put("attn.c_proj", Linear.withoutBias(scope.at("attn.c_proj"), HIDDEN, HIDDEN));
    maps.put("mlp.w1", Linear.withoutBias(scope.at("mlp.w1"), HIDDEN, MIDDLE));
    maps.put("mlp.w2", Linear.withoutBias(scope.at("mlp.w2"), HIDDEN, MIDDLE));
    return maps;
  }

  private static float[] run(WeightSource weights, Linear map, Tensor x) {
    GraphBuilder g = new GraphBuilder();
    Value input = g.input("x", DType.F32, x.shape().toArray());
    g.output("y", map.apply(g, input));
    try (OracleBackend backend = new OracleBackend();
        Executable executable = backend.compile(g.build(), weights)) {
      executable.input("x").copyFrom(x);
      executable.run();
      return executable.output("y").toFloats();
    }
  }

  private static float[] floats(Checkpoint checkpoint, String name) {
    return checkpoint.tensor(name).toFloats();
  }

  private static Path fixtures() {
    URL url = Objects.requireNonNull(LoraAdapterTest.class.getResource("lora"));
    try {
      return Path.of(url.toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }
}
