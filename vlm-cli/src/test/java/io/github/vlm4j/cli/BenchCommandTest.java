package io.github.vlm4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class BenchCommandTest {

  private static final Path MODEL = Fixtures.model("tied_one_image");

  @TempDir Path folder;

  @Test
  void measuresACheckpointAsJson() {
    JsonNode json =
        CommandRun.of(
                "bench",
                "--model",
                MODEL,
                "--prompt-tokens",
                "20,7",
                "--context",
                "0,30,600",
                "--new-tokens",
                "5",
                "--image-size",
                "32x48,64x64",
                "--repetitions",
                "2",
                "--limits",
                "--json")
            .json();
    assertThat(json.get("prefill").findValuesAsText("promptTokens")).containsExactly("20", "7");
    assertThat(json.get("decode").findValuesAsText("context")).containsExactly("0", "30", "600");
    assertThat(json.get("image").findValuesAsText("width")).containsExactly("48", "64");
    for (String part : new String[] {"prefill", "decode", "image"}) {
      for (JsonNode each : json.get(part)) {
        assertThat(each.get("repetitions")).hasSize(2);
        assertThat(each.get("fraction").doubleValue()).as(part).isPositive();
      }
    }
    assertThat(json.get("prefill").get(0).get("tokensPerSecond").doubleValue()).isPositive();
    assertThat(json.get("image").get(1).get("ms").doubleValue()).isPositive();
    assertThat(json.get("limits").get("bytesPerSecond").doubleValue()).isPositive();
    assertThat(json.get("backend").textValue()).contains("cpu");
    assertThat(json.get("weights").textValue()).isEqualTo("f32");
  }

  @Test
  void aLongerContextIsMoreToRead() {
    JsonNode decode =
        CommandRun.of(
                "bench",
                "--config",
                MODEL,
                "--random-weights",
                "bf16",
                "--prompt-tokens",
                "4",
                "--context",
                "100,200",
                "--new-tokens",
                "2",
                "--image-size",
                "0x0",
                "--repetitions",
                "1",
                "--json")
            .json()
            .get("decode");
    assertThat(decode.get(1).get("bytesPerToken").doubleValue())
        .isGreaterThan(decode.get(0).get("bytesPerToken").doubleValue());
  }

  @ParameterizedTest
  @ValueSource(strings = {"bf16", "f16", "F32", "q8_0", "Q4_0"})
  void randomWeightsNeedNothingButTheConfiguration(String type) {
    CommandRun run =
        CommandRun.of(
            "bench",
            "--config",
            MODEL.resolve("config.json"),
            "--random-weights",
            type,
            "--prompt-tokens",
            "20",
            "--new-tokens",
            "5",
            "--image-size",
            "16x16",
            "--repetitions",
            "1");
    assertThat(run.succeeded().out()).contains("prefill", "decode", "image", "tokens/s");
  }

  @Test
  void picturesCanBeLeftOut() {
    JsonNode json =
        CommandRun.of(
                "bench",
                "--config",
                MODEL,
                "--random-weights",
                "f32",
                "--prompt-tokens",
                "8",
                "--new-tokens",
                "2",
                "--image-size",
                "0x0",
                "--repetitions",
                "1",
                "--json")
            .json();
    assertThat(json.get("image")).isEmpty();
  }

  @Test
  void aSmallerCacheIsLessToRead() {
    assertThat(decodeBytes("bf16")).isLessThan(decodeBytes("f32"));
  }

  private static double decodeBytes(String cacheType) {
    return CommandRun.of(
            "bench",
            "--config",
            MODEL,
            "--random-weights",
            "bf16",
            "--cache-type",
            cacheType,
            "--prompt-tokens",
            "4",
            "--context",
            "100",
            "--new-tokens",
            "2",
            "--image-size",
            "0x0",
            "--repetitions",
            "1",
            "--json")
        .json()
        .get("decode")
        .get(0)
        .get("bytesPerToken")
        .doubleValue();
  }

  @Test
  void moreTokensThanTheContextAreRefused() {
    CommandRun.of("bench", "--model", MODEL, "--prompt-tokens", "1020", "--image-size", "0x0")
        .failed("1020", "1024");
    CommandRun.of("bench", "--model", MODEL, "--context", "10,1020", "--image-size", "0x0")
        .failed("1020", "1024");
  }

  @Test
  void aContextBelowZeroIsRefused() {
    CommandRun.of("bench", "--model", MODEL, "--context", "10,-1").misused("--context", "-1");
  }

  @Test
  void anAbsurdPictureIsRefused() {
    CommandRun.of("bench", "--model", MODEL, "--image-size", "99999x99999").failed("smaller");
  }

  @Test
  void weightsThatNoMachineHoldsAreRefusedWithTheMemoryTheyNeed() {
    Path model =
        Fixtures.copyWith(
            "tied_one_image",
            folder,
            "config.json",
            config -> {
              config
                  .withObject("text_config")
                  .put("hidden_size", 1 << 20)
                  .put("num_hidden_layers", 1000);
              config.withObject("vision_config").put("out_hidden_size", 1 << 20);
            });
    CommandRun.of("bench", "--config", model, "--random-weights", "f32").failed("GiB", "smaller");
  }
}
