package io.github.vlm4j.models.seemore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.vlm4j.core.backend.Backend;
import io.github.vlm4j.core.backend.BackendOptions;
import io.github.vlm4j.core.backend.Backends;
import io.github.vlm4j.core.backend.Executable;
import io.github.vlm4j.core.checkpoint.Checkpoint;
import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.ScatterMode;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.model.AfterLayer;
import io.github.vlm4j.core.model.CacheLayout;
import io.github.vlm4j.core.model.Decoder;
import io.github.vlm4j.core.model.DecoderFeatures;
import io.github.vlm4j.core.model.KvCache;
import io.github.vlm4j.core.model.TokenPositions;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.core.weights.CheckpointWeights;
import io.github.vlm4j.core.weights.WeightScope;
import io.github.vlm4j.models.VisionLanguageModel;
import io.github.vlm4j.models.chat.AnswerScore;
import io.github.vlm4j.models.chat.GenerationRequest;
import io.github.vlm4j.models.chat.GenerationResult;
import io.github.vlm4j.models.chat.Message;
import io.github.vlm4j.models.family.ModelArchitecture;
import io.github.vlm4j.models.family.ModelDescription;
import io.github.vlm4j.models.family.ModelParts;
import io.github.vlm4j.models.family.PreparedPrompt;
import io.github.vlm4j.text.generate.CrossEntropy;
import io.github.vlm4j.text.generate.FinishReason;
import io.github.vlm4j.text.generate.SamplingOptions;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** seemore against its published code, from the picture file on; see tools/reference/seemore. */
class SeemoreTest {

  private static final double TOLERANCE = 1e-4;

  @ParameterizedTest
  @ValueSource(strings = {"published_sizes", "half_checkpoint"})
  void picturesArePreparedBitForBitAsTheReferenceDoes(String name) {
    try (SeemoreCase reference = SeemoreCase.open(name);
        VisionLanguageModel model = reference.load()) {
      float[] pixels = model.prompt(reference.asked()).visuals().getFirst().pixels();
      Tensor levels = reference.tensor("pixel_levels");
      int size = reference.size("imageSize");
      int patch = reference.size("patchSize");
      int patches = size / patch;
      float[] mean = {0.485f, 0.456f, 0.406f};
      float[] std = {0.229f, 0.224f, 0.225f};
      float[] expected = new float[pixels.length];
      for (int y = 0; y < size; y++) {
        for (int x = 0; x < size; x++) {
          for (int c = 0; c < 3; c++) {
            int inPatch = (c * patch + y % patch) * patch + x % patch;
            int at = (y / patch * patches + x / patch) * 3 * patch * patch + inPatch;
            long inLevels = (y * size + x) * 3L + c;
            int level = levels.data().get(ValueLayout.JAVA_BYTE, inLevels) + 128;
            expected[at] = (level / 255f - mean[c]) / std[c];
          }
        }
      }
      assertThat(pixels).containsExactly(expected);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"published_sizes", "half_checkpoint"})
  void visionEncoderAndProjectionEqualTheReference(String name) {
    try (SeemoreCase reference = SeemoreCase.open(name);
        Checkpoint weights = Checkpoint.open(reference.file());
        VisionLanguageModel model = reference.load()) {
      Map<String, Tensor> features =
          model.features(reference.picture(), Set.of(VisionLanguageModel.Feature.HIDDEN_STATES));
      for (int layer = 0; layer <= reference.size("visionLayers"); layer++) {
        reference.assertClose(
            "vision.hidden_states." + layer, features.get("hidden_states." + layer), TOLERANCE);
      }
      reference.assertClose("connector", features.get("connector"), TOLERANCE);

      float[] embedded = features.get("hidden_states.0").toFloats();
      float[] positions = weights.tensor("vision_encoder.pos_embedding").toFloats();
      int hidden = reference.size("visionHiddenSize");
      float[] patches = new float[embedded.length - hidden];
      for (int i = 0; i < patches.length; i++) {
        patches[i] = embedded[hidden + i] - positions[hidden + i];
      }
      reference.assertClose(
          "vision.patch_embeddings", Tensor.ofFloats(patches, patches.length), TOLERANCE);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"published_sizes", "half_checkpoint"})
  void everyDecoderBlockAndTheLossWithIgnoredTargetsEqualTheReference(String name) {
    try (SeemoreCase reference = SeemoreCase.open(name);
        Checkpoint checkpoint = Checkpoint.open(reference.file());
        Backend backend = Backends.find().open(null, BackendOptions.DEFAULT)) {
      CheckpointWeights weights = new CheckpointWeights(checkpoint);
      WeightScope scope = WeightScope.of(weights);
      ModelArchitecture architecture =
          new SeemoreFamily()
              .assemble(
                  ModelDescription.read(ModelParts.of(reference.file())).withTensors(checkpoint),
                  scope);
      weights.requireAllUsed(scope.tree(), tensor -> false);
      Decoder decoder = architecture.decoder();
      int[] ids =
          IntStream.concat(IntStream.of(0), IntStream.of(reference.ints("promptIds"))).toArray();
      GraphBuilder g = new GraphBuilder();
      Value embeddings = decoder.embed(g, g.constant(Tensor.ofInts(ids, ids.length)));
      Value picture = g.constant(reference.tensor("connector"));
      Value first = g.constant(Tensor.ofInts(new int[] {0}, 1));
      embeddings = g.scatter(embeddings, first, picture, ScatterMode.REPLACE);
      DecoderFeatures features =
          decoder.decode(g, embeddings, CacheLayout.f32(ids.length), AfterLayer.NOTHING);
      for (int layer = 0; layer < features.hiddenStates().size(); layer++) {
        g.output("text.hidden_states." + layer, features.hiddenStates().get(layer));
      }
      g.output("text.last_hidden_state", features.lastHiddenState());
      g.output("logits", decoder.logits(g, features.lastHiddenState()));
      try (Executable executable = backend.compile(g.build(), scope.source());
          KvCache cache = new KvCache(backend, decoder.geometry())) {
        cache.reserve(ids.length);
        cache.bind(executable);
        decoder.setPositions(executable, TokenPositions.sequential(), 0, ids.length);
        executable.run();
        assertThat(features.hiddenStates()).hasSize(reference.size("layers") + 1);
        for (String output : executable.outputs()) {
          reference.assertClose(output, executable.output(output), TOLERANCE);
        }

        CrossEntropy entropy = new CrossEntropy(reference.ints("targets"));
        for (int row = 0; row < ids.length; row++) {
          entropy.add(row, executable.output("logits").rows(row, row + 1L).toFloats());
        }
        assertThat(entropy.loss())
            .isCloseTo(reference.expected.get("loss").doubleValue(), within(TOLERANCE));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"published_sizes", "half_checkpoint"})
  void greedyTextsEqualTheReferenceWithAndWithoutThePicture(String name) {
    try (SeemoreCase reference = SeemoreCase.open(name);
        VisionLanguageModel model = reference.load()) {
      int[] expected = reference.ints("greedyTokens");
      GenerationResult result = model.generate(greedy(reference.asked(), true, expected.length));
      assertThat(result.tokens()).containsExactly(SeemoreCase.boxed(expected));
      assertThat(result.text()).isEqualTo(reference.expected.get("greedyText").textValue());
      assertThat(result.imageTokens()).isEqualTo(1);
      assertThat(result.promptTokens()).isEqualTo(1 + reference.ints("promptIds").length);

      List<Message> words = List.of(Message.user(reference.text("prompt")));
      GenerationResult plain = model.generate(greedy(words, true, expected.length));
      assertThat(plain.tokens())
          .containsExactly(SeemoreCase.boxed(reference.ints("greedyTokensWithoutPicture")));

      int[] untilPad = reference.ints("tokensUntilPad");
      GenerationResult ended = model.generate(greedy(reference.asked(), false, expected.length));
      assertThat(ended.tokens()).containsExactly(SeemoreCase.boxed(untilPad));
      assertThat(ended.finishReason() == FinishReason.STOP)
          .isEqualTo(untilPad[untilPad.length - 1] == reference.size("padTokenId"));
    }
  }

  private static GenerationRequest greedy(List<Message> asked, boolean ignoreEos, int tokens) {
    return GenerationRequest.builder()
        .messages(asked)
        .sampling(SamplingOptions.GREEDY)
        .maxNewTokens(tokens)
        .ignoreEos(ignoreEos)
        .build();
  }

  @ParameterizedTest
  @ValueSource(strings = {"published_sizes", "half_checkpoint"})
  void theLossOfAnAnswerEqualsTheReference(String name) {
    try (SeemoreCase reference = SeemoreCase.open(name);
        VisionLanguageModel model = reference.load()) {
      AnswerScore score = model.score(reference.asked(), reference.text("answer"));
      assertThat(score.tokens()).containsExactly(SeemoreCase.boxed(reference.ints("answerIds")));
      assertThat(score.loss())
          .isCloseTo(reference.expected.get("answerLoss").doubleValue(), within(TOLERANCE));
      JsonNode logprobs = reference.expected.get("answerLogprobs");
      for (int i = 0; i < logprobs.size(); i++) {
        assertThat(score.logprobs().get(i))
            .isCloseTo(logprobs.get(i).doubleValue(), within(TOLERANCE));
      }
      assertThat(model.score(reference.asked(), reference.text("answer"), "<pad>").tokens())
          .endsWith(reference.size("padTokenId"));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"published_sizes", "half_checkpoint"})
  void promptsAreCharactersAfterOneRowForThePicture(String name) {
    try (SeemoreCase reference = SeemoreCase.open(name);
        VisionLanguageModel model = reference.load()) {
      PreparedPrompt prompt = model.prompt(reference.asked());
      int[] ids = prompt.ids();
      assertThat(IntStream.of(ids).skip(1))
          .containsExactly(SeemoreCase.boxed(reference.ints("promptIds")));
      assertThat(prompt.visuals().getFirst().rows()).containsExactly(0);
      assertThat(prompt.text()).isEqualTo(reference.text("prompt"));
    }
  }
}
