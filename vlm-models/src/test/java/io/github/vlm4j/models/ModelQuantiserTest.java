package io.github.vlm4j.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.ModelException;
import io.github.vlm4j.core.checkpoint.Checkpoint;
import io.github.vlm4j.core.checkpoint.ConfigNode;
import io.github.vlm4j.core.checkpoint.GgufFile;
import io.github.vlm4j.core.checkpoint.SafetensorsWriter;
import io.github.vlm4j.core.quant.BlockCodec;
import io.github.vlm4j.core.quant.QuantisationScheme;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.core.weights.DeclaredWeights;
import io.github.vlm4j.core.weights.WeightScope;
import io.github.vlm4j.models.chat.Message;
import io.github.vlm4j.models.chat.MessagesFile;
import io.github.vlm4j.models.family.ModelDescription;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Quantised copies of a tiny Qwen3-VL, whose rows are whole blocks of every type. */
class ModelQuantiserTest {

  /**
   * How far the log-probability of a token may be from that of the dequantised model in f32 where
   * kernels compute in f32, for all types: as far as the order of sums moves it.
   */
  private static final double EXACT = 1e-4;

  /** The same where inputs are quantised to bytes or rounded to bf16. */
  private static final double COARSE = 0.05;

  private static final String EMITTED = "vlm.cpu.emitted";

  private static final String ANSWER = "a red square";

  @TempDir Path folder;
  private Path model;

  @BeforeEach
  void makeModel() throws IOException {
    model = wideModel("/qwen3vl/f16_attention_bias", folder.resolve("model"));
  }

  @ParameterizedTest
  @EnumSource(names = {"Q8_0", "Q4_0", "Q4_K_M"})
  void aQuantisedModelAnswersAsItsDequantisedTwin(QuantisationScheme scheme) throws IOException {
    Path quantised = folder.resolve("quantised");
    ModelQuantiser.Summary summary = quantise(scheme, quantised);
    assertThat(summary.bytesAfter()).isLessThan(summary.bytesBefore() / 2);
    Path twin = dequantised(quantised, folder.resolve("twin"));
    String before = System.getProperty(EMITTED);
    List<Double> expected;
    try {
      System.setProperty(EMITTED, "off");
      expected = logprobs(twin, LoadOptions.DEFAULT);
      assertThat(logprobs(quantised, LoadOptions.DEFAULT))
          .zipSatisfy(
              expected, (actual, exact) -> assertThat(actual).isCloseTo(exact, within(EXACT)));
    } finally {
      if (before == null) {
        System.clearProperty(EMITTED);
      } else {
        System.setProperty(EMITTED, before);
      }
    }
    assertThat(logprobs(quantised, LoadOptions.DEFAULT))
        .zipSatisfy(
            expected, (actual, exact) -> assertThat(actual).isCloseTo(exact, within(COARSE)));
    List<Double> inMemory = logprobs(model, LoadOptions.DEFAULT.withQuantisation(scheme));
    assertThat(inMemory).isEqualTo(logprobs(quantised, LoadOptions.DEFAULT));
  }

  @Test
  void typesAreThoseOfLlamaCpp() {
    Path quantised = folder.resolve("quantised");
    quantise(QuantisationScheme.Q4_K_M, quantised);
    try (Checkpoint checkpoint = Checkpoint.open(quantised)) {
      String layers = "model.language_model.layers.";
      assertThat(checkpoint.dtype("lm_head.weight")).isEqualTo(DType.Q6_K);
      assertThat(checkpoint.dtype("model.language_model.embed_tokens.weight"))
          .isEqualTo(DType.Q4_K);
      assertThat(checkpoint.dtype(layers + "0.self_attn.q_proj.weight")).isEqualTo(DType.Q4_K);
      // Of eight layers the first, every third after it, and the last.
      List<DType> values = new ArrayList<>();
      for (int layer = 0; layer < 8; layer++) {
        values.add(checkpoint.dtype(layers + layer + ".self_attn.v_proj.weight"));
        assertThat(checkpoint.dtype(layers + layer + ".mlp.down_proj.weight"))
            .isEqualTo(values.getLast());
      }
      assertThat(values)
          .containsExactly(
              DType.Q6_K,
              DType.Q4_K,
              DType.Q4_K,
              DType.Q6_K,
              DType.Q4_K,
              DType.Q4_K,
              DType.Q6_K,
              DType.Q6_K);
      assertThat(checkpoint.dtype("model.visual.blocks.0.attn.qkv.weight")).isEqualTo(DType.F32);
      assertThat(checkpoint.dtype("model.language_model.norm.weight")).isEqualTo(DType.F32);
      assertThat(checkpoint.shape("lm_head.weight").toArray()).containsExactly(400, 256);
    }
  }

  @Test
  void visionIsQuantisedIfAskedForWhereRowsAreWholeBlocks() {
    Path quantised = folder.resolve("quantised");
    new ModelQuantiser(QuantisationScheme.Q8_0, true, (tensor, done, total) -> {})
        .quantise(model, quantised);
    try (Checkpoint checkpoint = Checkpoint.open(quantised)) {
      assertThat(checkpoint.dtype("model.visual.merger.linear_fc1.weight")).isEqualTo(DType.Q8_0);
      assertThat(checkpoint.dtype("model.visual.blocks.0.attn.qkv.weight")).isEqualTo(DType.F32);
      assertThat(checkpoint.dtype("model.visual.pos_embed.weight")).isEqualTo(DType.F32);
    }
    assertThat(logprobs(quantised, LoadOptions.DEFAULT)).allSatisfy(p -> assertThat(p).isFinite());
  }

  @Test
  void aRunThatWasEndedIsContinuedAndNothingHalfWrittenIsTakenForWhole() throws IOException {
    Path target = folder.resolve("quantised");
    int[] seen = {0};
    ModelQuantiser ended =
        new ModelQuantiser(
            QuantisationScheme.Q4_0,
            false,
            (tensor, done, total) -> {
              if (++seen[0] == 40) {
                throw new IllegalStateException("ended");
              }
            });
    assertThatExceptionOfType(IllegalStateException.class)
        .isThrownBy(() -> ended.quantise(model, target));
    assertThat(Checkpoint.isPresent(target)).isFalse();
    addHalfATensor(target);
    ModelQuantiser.Summary summary = quantise(QuantisationScheme.Q4_0, target);
    assertThat(summary.continued()).isEqualTo(38);
    Path whole = folder.resolve("whole");
    assertThat(quantise(QuantisationScheme.Q4_0, whole).continued()).isZero();
    assertThat(target.resolve("model.safetensors"))
        .hasSameBinaryContentAs(whole.resolve("model.safetensors"));
    assertThat(target.toFile().list()).containsExactlyInAnyOrder(whole.toFile().list());
  }

  private static void addHalfATensor(Path target) throws IOException {
    try (DirectoryStream<Path> parts = Files.newDirectoryStream(target, ".*.part")) {
      for (Path part : parts) {
        Files.write(part, new byte[100], StandardOpenOption.APPEND);
      }
    }
  }

  @Test
  void whatAnotherRunLeftIsNotGoneOnWith() throws IOException {
    Path target = folder.resolve("quantised");
    ModelQuantiser ended =
        new ModelQuantiser(
            QuantisationScheme.Q8_0,
            false,
            (tensor, done, total) -> {
              if (done > total / 2) {
                throw new IllegalStateException("ended");
              }
            });
    assertThatExceptionOfType(IllegalStateException.class)
        .isThrownBy(() -> ended.quantise(model, target));
    assertThat(quantise(QuantisationScheme.Q4_0, target).continued()).isZero();
    assertThat(target.toFile().list()).noneMatch(name -> name.endsWith(".part"));
  }

  @Test
  void badRequestsAreToldInASentence() throws IOException {
    assertThatExceptionOfType(ModelException.class)
        .isThrownBy(() -> quantise(QuantisationScheme.Q8_0, model))
        .withMessageContaining("cannot take the place");
    Path target = folder.resolve("quantised");
    quantise(QuantisationScheme.Q8_0, target);
    assertThatExceptionOfType(ModelException.class)
        .isThrownBy(() -> quantise(QuantisationScheme.Q8_0, target))
        .withMessageContaining("holds weights already");
    assertThatExceptionOfType(ModelException.class)
        .isThrownBy(() ->
            new ModelQuantiser(QuantisationScheme.Q8_0, false, (t, d, n) -> {})
                .quantise(target, folder.resolve("again")))
        .withMessageContaining("Nothing in");
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    float[] numbers = new float[64];
    numbers[7] = Float.NaN;
    tensors.put("model.layers.0.mlp.up_proj.weight", Tensor.ofFloats(numbers, 2, 32));
    Path broken = Files.createDirectories(folder.resolve("broken"));
    SafetensorsWriter.write(broken.resolve("model.safetensors"), tensors);
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() ->
            new ModelQuantiser(QuantisationScheme.Q8_0, false, (t, d, n) -> {})
                .quantise(broken, folder.resolve("from broken")))
        .withMessageContaining("element 7 is NaN");
  }

  @Test
  void aLanguageModelIsQuantisedToGgufAsToAFolder() throws Exception {
    Path source = wideModel("/decoders/llama31", folder.resolve("text"));
    Path file = folder.resolve("model.gguf");
    ModelQuantiser quantiser =
        new ModelQuantiser(QuantisationScheme.Q8_0, false, (tensor, done, total) -> {});
    assertThat(quantiser.quantiseToGguf(source, file).quantised()).isPositive();
    try (GgufFile written = GgufFile.open(file)) {
      assertThat(written.dtype("blk.0.attn_q.weight")).isEqualTo(DType.Q8_0);
      assertThat(written.dtype("output_norm.weight")).isEqualTo(DType.F32);
      assertThat(written.metadata().count("general.file_type")).isEqualTo(7);
    }
    Path target = folder.resolve("quantised");
    quantiser.quantise(source, target);
    List<Message> messages = MessagesFile.read(source.resolve("messages.json"));
    try (VisionLanguageModel gguf = VisionLanguageModel.load(file);
        VisionLanguageModel same = VisionLanguageModel.load(target)) {
      assertThat(gguf.score(messages, ANSWER).logprobs())
          .zipSatisfy(
              same.score(messages, ANSWER).logprobs(),
              (actual, expected) -> assertThat(actual).isCloseTo(expected, within(COARSE)));
    }
    assertThatExceptionOfType(ModelException.class)
        .isThrownBy(() -> quantiser.quantiseToGguf(source, file))
        .withMessageContaining("is there already");
  }

  @Test
  void aModelThatReadsPicturesIsQuantisedToTwoGgufFilesAsToAFolder() throws Exception {
    Path source = wideModel("/qwen3vl/old_config_style", folder.resolve("seeing"));
    Path file = folder.resolve("model.gguf");
    Path mmproj = folder.resolve("mmproj-model.gguf");
    ModelQuantiser quantiser =
        new ModelQuantiser(QuantisationScheme.Q8_0, true, (tensor, done, total) -> {});
    ModelQuantiser.Summary summary = quantiser.quantiseToGguf(source, file);
    assertThat(summary.quantised()).isPositive();
    assertThat(summary.files()).containsExactly(file, mmproj);
    try (GgufFile vision = GgufFile.open(mmproj)) {
      assertThat(vision.dtype("mm.0.weight")).isEqualTo(DType.Q8_0);
      assertThat(vision.dtype("v.position_embd.weight")).isEqualTo(DType.F32);
    }
    Path target = folder.resolve("quantised");
    assertThat(quantiser.quantise(source, target).files())
        .containsExactly(target.resolve("model.safetensors"));
    List<Message> messages = MessagesFile.read(source.resolve("messages.json"));
    try (VisionLanguageModel gguf = VisionLanguageModel.load(file);
        VisionLanguageModel same = VisionLanguageModel.load(target)) {
      assertThat(gguf.score(messages, ANSWER).logprobs())
          .zipSatisfy(
              same.score(messages, ANSWER).logprobs(),
              (actual, expected) -> assertThat(actual).isCloseTo(expected, within(COARSE)));
    }
    Files.delete(file);
    assertThatExceptionOfType(ModelException.class)
        .isThrownBy(() -> quantiser.quantiseToGguf(source, file))
        .withMessageContaining("mmproj-model.gguf is there already");
    assertThat(file).doesNotExist();
  }

  @Test
  void theVisionEncoderStaysAsItIsUnlessAskedFor() throws Exception {
    Path source = wideModel("/qwen3vl/old_config_style", folder.resolve("seeing"));
    new ModelQuantiser(QuantisationScheme.Q4_K_M, false, (tensor, done, total) -> {})
        .quantiseToGguf(source, folder.resolve("model.gguf"));
    try (GgufFile decoder = GgufFile.open(folder.resolve("model.gguf"));
        GgufFile vision = GgufFile.open(folder.resolve("mmproj-model.gguf"))) {
      assertThat(decoder.dtype("blk.1.attn_q.weight")).isEqualTo(DType.Q4_K);
      assertThat(decoder.dtype("token_embd.weight")).isEqualTo(DType.Q6_K);
      assertThat(vision.names())
          .allSatisfy(name -> assertThat(vision.dtype(name)).isEqualTo(DType.F32));
    }
  }

  private ModelQuantiser.Summary quantise(QuantisationScheme scheme, Path target) {
    return new ModelQuantiser(scheme, false, (tensor, done, total) -> {}).quantise(model, target);
  }

  private List<Double> logprobs(Path path, LoadOptions options) {
    try (VisionLanguageModel opened = VisionLanguageModel.load(path, options)) {
      return opened.score(MessagesFile.read(model.resolve("messages.json")), ANSWER).logprobs();
    }
  }

  /** Returns a folder with the same model in f32. */
  private static Path dequantised(Path quantised, Path target) throws IOException {
    copyOthers(quantised, target);
    try (Checkpoint checkpoint = Checkpoint.open(quantised)) {
      Map<String, Tensor> tensors = new LinkedHashMap<>();
      for (String name : checkpoint.names()) {
        Tensor tensor = checkpoint.tensor(name);
        tensors.put(name, Tensor.ofFloats(BlockCodec.floats(tensor), tensor.shape().toArray()));
      }
      SafetensorsWriter.write(target.resolve("model.safetensors"), tensors);
    }
    return target;
  }

  /** Makes a fixture's language model wider and deeper, with random weights. */
  private static Path wideModel(String fixtureName, Path target) throws IOException {
    Path fixture = resource(fixtureName);
    copyOthers(fixture, target);
    ObjectMapper json = new ObjectMapper();
    ObjectNode config = (ObjectNode) json.readTree(fixture.resolve("config.json").toFile());
    ObjectNode text = config.has("text_config") ? (ObjectNode) config.get("text_config") : config;
    text.put("hidden_size", 256)
        .put("intermediate_size", 512)
        .put("num_hidden_layers", 8)
        .put("head_dim", 16)
        .put("num_attention_heads", 16)
        .put("num_key_value_heads", 2);
    if (config.has("vision_config")) {
      ((ObjectNode) config.get("vision_config")).put("out_hidden_size", 256);
    }
    json.writeValue(target.resolve("config.json").toFile(), config);
    WeightScope declared = WeightScope.of(new DeclaredWeights(DType.F32));
    ModelDescription description =
        ModelDescription.of(ConfigNode.read(target.resolve("config.json")));
    ModelFamilies.of(description).family().assemble(description, declared);
    SplittableRandom random = new SplittableRandom(5);
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    declared
        .tree()
        .weights()
        .forEach((name, weight) -> {
          float[] numbers = new float[(int) weight.shape().elements()];
          boolean norm = weight.shape().rank() == 1 && name.endsWith("weight");
          for (int i = 0; i < numbers.length; i++) {
            numbers[i] = (norm ? 1 : 0) + (float) random.nextGaussian() * 0.06f;
          }
          tensors.put(name, Tensor.ofFloats(numbers, weight.shape().toArray()));
        });
    SafetensorsWriter.write(target.resolve("model.safetensors"), tensors);
    return target;
  }

  private static Path resource(String name) {
    try {
      return Path.of(Objects.requireNonNull(ModelQuantiserTest.class.getResource(name)).toURI());
    } catch (URISyntaxException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  private static void copyOthers(Path from, Path to) throws IOException {
    Files.createDirectories(to);
    try (DirectoryStream<Path> files = Files.newDirectoryStream(from)) {
      for (Path file : files) {
        if (!file.toString().endsWith(".safetensors") && Files.isRegularFile(file)) {
          Files.copy(file, to.resolve(file.getFileName().toString()));
        }
      }
    }
  }
}
