package io.github.vlm4j.models;

import io.github.vlm4j.core.InputException;
import io.github.vlm4j.core.backend.Backend;
import io.github.vlm4j.core.backend.Backends;
import io.github.vlm4j.core.event.FlightRecording;
import io.github.vlm4j.core.event.LoadEvent;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.core.weights.ModuleTree;
import io.github.vlm4j.models.chat.AnswerScore;
import io.github.vlm4j.models.chat.GenerationListener;
import io.github.vlm4j.models.chat.GenerationRequest;
import io.github.vlm4j.models.chat.GenerationResult;
import io.github.vlm4j.models.chat.Message;
import io.github.vlm4j.models.family.ModelParts;
import io.github.vlm4j.models.family.PreparedPrompt;
import io.github.vlm4j.models.family.PreparedVisual;
import io.github.vlm4j.models.family.PromptProcessor;
import io.github.vlm4j.models.family.VisualPath;
import io.github.vlm4j.models.runtime.AnswerScoring;
import io.github.vlm4j.models.runtime.DecoderRuntime;
import io.github.vlm4j.models.runtime.FeatureCache;
import io.github.vlm4j.models.runtime.Generation;
import io.github.vlm4j.models.runtime.PromptReader;
import io.github.vlm4j.models.runtime.TokenSequence;
import io.github.vlm4j.models.runtime.VisualRuntime;
import io.github.vlm4j.text.generate.GenerationConfig;
import io.github.vlm4j.text.tokenizer.Tokenizer;
import io.github.vlm4j.vision.image.Image;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * A vision-language model, opened from an ordinary Hugging Face checkpoint folder or from the GGUF
 * files of llama.cpp.
 *
 * <pre>{@code
 * try (var model = VisionLanguageModel.load(Path.of("Qwen3-VL-2B-Instruct"))) {
 *   String answer = model.chat(Message.user(Image.of(Path.of("photo.jpg")), "What is this?"));
 * }
 * }</pre>
 *
 * <p>Weights stay where they are mapped; opening reads headers only. A model may be used by several
 * threads, which take turns; pictures and texts are prepared outside of them. Closing it while it
 * is in use waits for the answer in the making.
 *
 * <p>A request whose conversation begins as that of the request before is read from where they
 * differ, and pictures that come again are not encoded again; see {@link Reuse}.
 */
public final class VisionLanguageModel implements AutoCloseable {

  /** What {@link #features(Image, Set)} computes beside what the decoder reads. */
  public enum Feature {
    /** {@code last_hidden_state}: {@code [patches, hidden]}, before the connector. */
    LAST_HIDDEN_STATE,
    /** {@code hidden_states.k}: {@code [patches, hidden]}, embeddings and every layer's output. */
    HIDDEN_STATES,
    /** {@code attentions.k}: {@code [heads, patches, patches]}, of every layer. */
    ATTENTIONS,
    /** {@code pixel_values}: what the encoder reads. */
    PIXEL_VALUES
  }

  private final OpenedModel opened;
  private final Backend backend;
  private final PromptProcessor processor;
  private final GenerationConfig defaults;
  private final Optional<VisualRuntime> visual;
  private final DecoderRuntime decoder;
  private final PromptReader prompts;
  private final Turns turns;

  private VisionLanguageModel(OpenedModel opened, Backend backend, LoadOptions options) {
    Reuse reuse = options.reuse();
    this.opened = opened;
    this.backend = backend;
    processor = opened.family().processor(opened.description());
    defaults = opened.family().generationDefaults(opened.description());
    visual =
        opened
            .architecture()
            .visual()
            .map(path -> new VisualRuntime(path, backend, opened.source()));
    decoder =
        new DecoderRuntime(opened.architecture(), backend, opened.source(), options.cacheType());
    FeatureCache features = new FeatureCache(reuse.featureBytes());
    prompts = new PromptReader(visual, decoder, features, reuse.conversation());
    turns = new Turns(features::clear);
  }

  /**
   * Opens a model on the usable backend of the highest priority.
   *
   * @param folder a checkpoint folder: {@code config.json}, {@code model*.safetensors}, {@code
   *     tokenizer.json} and so on, as published; or a {@code .gguf} file, with its vision encoder
   *     in the only {@code mmproj*.gguf} beside it
   * @throws io.github.vlm4j.core.CheckpointException if a file is missing or malformed
   * @throws io.github.vlm4j.core.ModelException if the model is not supported or its tensors are
   *     not what its configuration says
   * @throws io.github.vlm4j.core.BackendException if no backend can run here
   */
  public static VisionLanguageModel load(Path folder) {
    return load(folder, LoadOptions.DEFAULT);
  }

  /**
   * Opens a model.
   *
   * @param folder a checkpoint folder, as published, or a {@code .gguf} file
   * @param options the backend and how it is opened
   * @throws io.github.vlm4j.core.CheckpointException if a file is missing or malformed
   * @throws io.github.vlm4j.core.ModelException if the model is not supported or its tensors are
   *     not what its configuration says
   * @throws io.github.vlm4j.core.BackendException if the backend is unknown or cannot run here
   */
  public static VisionLanguageModel load(Path folder, LoadOptions options) {
    return load(ModelParts.of(folder), options);
  }

  /**
   * Opens a model that is put together from several files.
   *
   * @param parts its files
   * @param options the backend and how it is opened
   * @throws io.github.vlm4j.core.CheckpointException if a file is missing or malformed
   * @throws io.github.vlm4j.core.ModelException if the model is not supported or its tensors are
   *     not what its configuration says
   * @throws io.github.vlm4j.core.BackendException if the backend is unknown or cannot run here
   */
  public static VisionLanguageModel load(ModelParts parts, LoadOptions options) {
    Optional<LoadEvent> event = FlightRecording.begin(() -> new LoadEvent());
    OpenedModel opened = OpenedModel.open(parts, options.quantisation());
    Backend backend = null;
    try {
      backend =
          Backends.find()
              .open(
                  options.backendName(),
                  options.backendOptions().withWeightBytes(opened.modules().byteSize()));
      VisionLanguageModel model = new VisionLanguageModel(opened, backend, options);
      event.ifPresent(load -> {
        load.modelType = opened.modelType();
        load.weightBytes = model.modules().byteSize();
        load.commit();
      });
      return model;
    } catch (RuntimeException | Error failure) {
      if (backend != null) {
        backend.close();
      }
      opened.close();
      throw failure;
    }
  }

  /**
   * Answers a conversation as the checkpoint's own defaults say.
   *
   * @param conversation its turns, the last one the user's
   * @return the answer's text
   * @throws InputException if the conversation cannot be put to this model
   */
  public String chat(Message... conversation) {
    return generate(GenerationRequest.builder().messages(Arrays.asList(conversation)).build())
        .text();
  }

  /**
   * Answers a request. To see the answer while it is made, give the request a {@link
   * GenerationListener}.
   *
   * @throws InputException if the conversation cannot be put to this model, for example because the
   *     prompt is longer than the context
   * @throws io.github.vlm4j.core.BackendException if there is not enough memory
   */
  public GenerationResult generate(GenerationRequest request) {
    long started = System.nanoTime();
    PreparedPrompt prompt = prompt(request.messages());
    TokenSequence sequence = Turns.inMemory(() -> TokenSequence.of(prompt));
    return turns.take(() ->
        new Generation(prompts, processor.tokenizer(), defaults, contextLength())
            .run(request, prompt, sequence, started));
  }

  /**
   * Tells how likely the model finds an answer. The answer is tokenised on its own, as the model
   * would write it; nothing in it is a control token.
   *
   * @param conversation its turns, the last one the user's
   * @param answer the answer, without what ends it
   * @throws InputException if the conversation cannot be put to this model, or the answer is empty
   *     or too long for the context
   * @throws io.github.vlm4j.core.BackendException if there is not enough memory
   */
  public AnswerScore score(List<Message> conversation, String answer) {
    return score(conversation, processor.tokenizer().encode(answer));
  }

  /**
   * Tells how likely the model finds an answer that ends there.
   *
   * @param conversation its turns, the last one the user's
   * @param answer the answer, without what ends it
   * @param end the token that ends it, in the vocabulary's spelling, such as {@code <|im_end|>}; it
   *     is scored with the others
   * @throws InputException if the conversation cannot be put to this model, there is no such token,
   *     or the answer is too long for the context
   * @throws io.github.vlm4j.core.BackendException if there is not enough memory
   */
  public AnswerScore score(List<Message> conversation, String answer, String end) {
    Tokenizer tokenizer = processor.tokenizer();
    int last =
        tokenizer
            .idOf(end)
            .orElseThrow(() ->
                new InputException(
                    "There is no token \""
                        + end
                        + "\" in this model's vocabulary to end an answer; name one such as its"
                        + " eos_token."));
    return score(
        conversation,
        IntStream.concat(Arrays.stream(tokenizer.encode(answer)), IntStream.of(last)).toArray());
  }

  private AnswerScore score(List<Message> conversation, int[] answer) {
    PreparedPrompt prompt = prompt(conversation);
    TokenSequence sequence = Turns.inMemory(() -> TokenSequence.of(prompt));
    return turns.take(
        () -> new AnswerScoring(prompts, contextLength()).score(prompt, sequence, answer));
  }

  private int contextLength() {
    return opened.architecture().decoder().geometry().contextLength();
  }

  /**
   * Returns a conversation as the decoder would read it: the rendered template and the tokens.
   *
   * @throws InputException if the conversation cannot be put to this model
   * @throws io.github.vlm4j.core.BackendException if there is not enough memory
   */
  public PreparedPrompt prompt(List<Message> conversation) {
    // Preparing needs no turn: it may take long, and others can use the model meanwhile.
    return Turns.inMemory(() -> processor.prepare(conversation));
  }

  /**
   * Computes features of a picture by name: {@code connector}, {@code [tokens, hidden]}, which
   * enters the decoder, {@code deepstack.k} where the model has it, and what is asked for.
   *
   * @return f32 tensors
   * @throws InputException if the picture cannot be put to this model
   */
  public Map<String, Tensor> features(Image image, Set<Feature> wanted) {
    VisualPath path =
        opened
            .architecture()
            .visual()
            .orElseThrow(() ->
                new InputException("This model reads text only; it has no features of pictures."));
    PreparedVisual prepared = Turns.inMemory(() -> processor.prepare(image));
    return turns.take(() -> {
      Set<VisualRuntime.Extra> extras = EnumSet.noneOf(VisualRuntime.Extra.class);
      for (Feature feature : wanted) {
        switch (feature) {
          case LAST_HIDDEN_STATE -> extras.add(VisualRuntime.Extra.LAST_HIDDEN_STATE);
          case HIDDEN_STATES -> extras.add(VisualRuntime.Extra.HIDDEN_STATES);
          case ATTENTIONS -> extras.add(VisualRuntime.Extra.ATTENTIONS);
          case PIXEL_VALUES -> {}
        }
      }
      Map<String, Tensor> features = visual.orElseThrow().features(prepared, extras);
      if (wanted.contains(Feature.PIXEL_VALUES)) {
        long[] shape = path.pixelShape(prepared.grid()).toArray();
        features.put("pixel_values", Tensor.ofFloats(prepared.pixels(), shape));
      }
      return features;
    });
  }

  /** Returns the checkpoint's tokenizer. */
  public Tokenizer tokenizer() {
    return processor.tokenizer();
  }

  /** Returns how the checkpoint itself would generate. */
  public GenerationConfig generationDefaults() {
    return defaults;
  }

  /** Returns the model's modules and parameters. */
  public ModuleTree modules() {
    return opened.modules();
  }

  /** Returns what the model runs on, in one line. */
  public String backend() {
    return backend.description();
  }

  /** Frees everything; the model can no longer be used. */
  @Override
  public void close() {
    turns.close(() -> {
      visual.ifPresent(VisualRuntime::close);
      decoder.close();
      backend.close();
      opened.close();
    });
  }
}
