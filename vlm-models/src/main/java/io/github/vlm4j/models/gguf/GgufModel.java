package io.github.vlm4j.models.gguf;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.vlm4j.core.ModelException;
import io.github.vlm4j.core.checkpoint.Checkpoint;
import io.github.vlm4j.core.checkpoint.CompanionFiles;
import io.github.vlm4j.core.checkpoint.ConfigNode;
import io.github.vlm4j.core.checkpoint.GgufFile;
import io.github.vlm4j.core.checkpoint.GgufMetadata;
import io.github.vlm4j.models.family.ModelParts;
import io.github.vlm4j.text.tokenizer.GgufTokenizer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A model in GGUF files, translated into what a Hugging Face folder of it would hold: the tensors
 * under its names, where they are mapped, its configuration, and its tokenizer, chat template and
 * preprocessing.
 */
public final class GgufModel implements AutoCloseable {

  private static final String ARCHITECTURE = "general.architecture";
  private static final String SPLIT = "split.count";
  static final String LLAVA_PICTURE = "<image>";
  static final String QWEN_PICTURE = "<|image_pad|>";
  static final String QWEN_VIDEO = "<|video_pad|>";
  private static final Set<String> TEXT = Set.of("llama", "qwen2", "qwen3");
  private static final Set<String> VISUAL = Set.of("qwen2vl", "qwen3vl");

  private final Checkpoint checkpoint;
  private final ConfigNode config;
  private final CompanionFiles files;

  private GgufModel(Checkpoint checkpoint, ConfigNode config, CompanionFiles files) {
    this.checkpoint = checkpoint;
    this.config = config;
    this.files = files;
  }

  /** Returns whether a path has the name of a GGUF file. */
  public static boolean isGguf(Path path) {
    return path.toString().endsWith(".gguf");
  }

  /**
   * Opens a model; only headers are read.
   *
   * @param parts the file of the language model and, if it reads pictures, that of its vision
   *     encoder
   * @throws io.github.vlm4j.core.CheckpointException if a file is missing or malformed
   * @throws ModelException if the model is not supported, or its vision encoder is missing
   */
  public static GgufModel open(ModelParts parts) {
    if (parts.modelConfig() != null) {
      throw new ModelException(
          parts.model()
              + " holds its own configuration, so that another would not be read; leave"
              + " --model-config out.");
    }
    List<GgufFile> opened = new ArrayList<>();
    try {
      GgufFile text = GgufFile.open(parts.model());
      opened.add(text);
      Optional<Path> mmproj =
          sees(text.metadata()) ? parts.ggufVision() : Optional.ofNullable(parts.mmproj());
      @Nullable GgufVision vision = null;
      if (mmproj.isPresent()) {
        GgufFile file = GgufFile.open(mmproj.get());
        opened.add(file);
        vision = new GgufVision(file);
      }
      return of(parts.model(), text, vision);
    } catch (RuntimeException | Error failure) {
      opened.forEach(GgufFile::close);
      throw failure;
    }
  }

  /** Returns whether a language model reads pictures, so that its vision encoder is looked for. */
  private static boolean sees(GgufMetadata metadata) {
    String architecture = metadata.text(ARCHITECTURE);
    return VISUAL.contains(architecture)
        || TEXT.contains(architecture)
            && new GgufTokenizer(metadata).idOf(LLAVA_PICTURE).isPresent();
  }

  private static GgufModel of(Path path, GgufFile text, @Nullable GgufVision vision) {
    GgufMetadata metadata = text.metadata();
    if (metadata.countIfPresent(SPLIT).orElse(1) > 1) {
      throw metadata.invalid(
          SPLIT, "1 or absent; join the parts of the model with llama-gguf-split --merge");
    }
    String architecture = metadata.text(ARCHITECTURE);
    return switch (architecture) {
      case "llama", "qwen2", "qwen3" -> {
        if (vision != null && vision.kind() == GgufVision.Kind.LLAVA) {
          yield llava(path, text, vision);
        }
        if (vision != null) {
          throw new ModelException(
              vision.file().path()
                  + " is the vision encoder of a "
                  + vision.kind().modelType()
                  + " model, but "
                  + path
                  + " is a "
                  + architecture
                  + " model of text alone; leave it out.");
        }
        ObjectNode config = new GgufDecoderConfig(text, architecture).of(architecture);
        yield of(path, text, null, config, GgufNames.decoder("model."));
      }
      case "qwen2vl" ->
          qwenVl(path, text, required(path, vision), "qwen2", GgufNames.decoder("model."));
      case "qwen3vl" ->
          qwenVl(
              path,
              text,
              required(path, vision),
              "qwen3_vl_text",
              GgufNames.decoder("model.language_model."));
      default ->
          throw metadata.invalid(
              ARCHITECTURE,
              "llama, qwen2, qwen3, qwen2vl or qwen3vl, the architectures that are supported in"
                  + " GGUF files");
    };
  }

  private static GgufVision required(Path path, @Nullable GgufVision vision) {
    if (vision == null) {
      throw new ModelException(
          path
              + " is the language model of a vision-language model; give its vision encoder with"
              + " --mmproj, or put the one mmproj*.gguf beside it.");
    }
    return vision;
  }

  private static GgufModel qwenVl(
      Path path, GgufFile text, GgufVision vision, String textType, GgufNames names) {
    GgufDecoderConfig decoder = new GgufDecoderConfig(text, text.metadata().text(ARCHITECTURE));
    boolean third = textType.startsWith("qwen3");
    if (third != (vision.kind() == GgufVision.Kind.QWEN3)) {
      throw new ModelException(
          path
              + " and "
              + vision.file().path()
              + " belong to different models: the latter is the vision encoder of a "
              + vision.kind().modelType()
              + " model.");
    }
    ObjectNode textConfig = decoder.of(textType);
    ObjectNode rope = textConfig.putObject("rope_scaling").put("rope_type", "default");
    ArrayNode sections = rope.putArray("mrope_section");
    decoder.ropeSections().forEach(sections::add);
    ObjectNode config = JsonNodeFactory.instance.objectNode();
    config.put("model_type", vision.kind().modelType());
    config.set("tie_word_embeddings", textConfig.get("tie_word_embeddings"));
    config.set("text_config", textConfig);
    config.set("vision_config", vision.config());
    decoder.tokenId(QWEN_PICTURE).ifPresent(id -> config.put("image_token_id", id));
    decoder.tokenId(QWEN_VIDEO).ifPresent(id -> config.put("video_token_id", id));
    return of(path, text, vision, config, names);
  }

  private static GgufModel llava(Path path, GgufFile text, GgufVision vision) {
    String architecture = text.metadata().text(ARCHITECTURE);
    GgufDecoderConfig decoder = new GgufDecoderConfig(text, architecture);
    int image =
        decoder
            .tokenId(LLAVA_PICTURE)
            .orElseThrow(() ->
                new ModelException(
                    path
                        + " has no token "
                        + LLAVA_PICTURE
                        + ", behind which a LLaVA model reads pictures; convert it from a folder of"
                        + " Hugging Face's LlavaForConditionalGeneration."));
    ObjectNode textConfig = decoder.of(architecture);
    ObjectNode config = JsonNodeFactory.instance.objectNode();
    config
        .put("model_type", vision.kind().modelType())
        .put("image_token_index", image)
        .put("vision_feature_select_strategy", "default");
    config.set("tie_word_embeddings", textConfig.get("tie_word_embeddings"));
    config.set("text_config", textConfig);
    config.set("vision_config", vision.config());
    ArrayNode layers = config.putArray("vision_feature_layer");
    Arrays.stream(vision.featureLayers()).forEach(layers::add);
    return of(path, text, vision, config, GgufNames.decoder("model.language_model."));
  }

  private static GgufModel of(
      Path path,
      GgufFile text,
      @Nullable GgufVision vision,
      ObjectNode config,
      GgufNames decoderNames) {
    GgufMetadata metadata = text.metadata();
    Map<String, Supplier<String>> texts = new HashMap<>();
    texts.put("tokenizer_config.json", () -> new GgufTokenizer(metadata).configJson());
    GgufTokenizer.chatTemplate(metadata)
        .ifPresent(template -> texts.put("chat_template.jinja", () -> template));
    List<GgufFile> files = new ArrayList<>(List.of(text));
    Function<String, Optional<String>> names = decoderNames::of;
    if (vision != null) {
      texts.put("preprocessor_config.json", vision::preprocessorJson);
      files.add(vision.file());
      GgufNames visionNames = vision.names();
      names = name -> decoderNames.of(name).or(() -> visionNames.of(name));
    }
    Function<String, Optional<String>> known = names;
    return new GgufModel(
        Checkpoint.renamed(
            path,
            files,
            name ->
                name.equals(GgufDecoderConfig.ROPE_FACTORS)
                    ? Optional.empty()
                    : known.apply(name).or(() -> Optional.of(name))),
        ConfigNode.of(path.getFileName() + " (metadata)", config),
        new CompanionFiles.Made(path, metadata, texts));
  }

  /** Returns the tensors under Hugging Face's names; one that has none keeps its own. */
  public Checkpoint checkpoint() {
    return checkpoint;
  }

  /** Returns what a {@code config.json} would say. */
  public ConfigNode config() {
    return config;
  }

  /** Returns what stands for tokenizer, chat template and preprocessing. */
  public CompanionFiles files() {
    return files;
  }

  /** Unmaps the files. */
  @Override
  public void close() {
    checkpoint.close();
  }
}
