package io.github.vlm4j.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.vlm4j.models.LoadOptions;
import io.github.vlm4j.models.VisionLanguageModel;
import io.github.vlm4j.models.chat.GenerationListener;
import io.github.vlm4j.models.chat.GenerationRequest;
import io.github.vlm4j.models.chat.GenerationResult;
import io.github.vlm4j.models.chat.Message;
import io.github.vlm4j.vision.image.Image;
import io.github.vlm4j.vision.image.ReadAhead;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code vlm describe}: a sentence about each picture. */
@Command(
    name = "describe",
    description = "Says what is in pictures.",
    mixinStandardHelpOptions = true)
final class DescribeCommand implements Callable<Integer> {

  private final Terminal terminal;

  @Parameters(arity = "1..*", paramLabel = "IMAGE", description = "Picture files.")
  List<Path> images = List.of();

  @Option(
      names = "--model",
      paramLabel = "PATH",
      description =
          "A model folder, or a file of weights. Default: the shipped demonstration model, which "
              + "knows simple coloured shapes.")
  @Nullable Path model;

  @Mixin ModelPartsOptions parts = new ModelPartsOptions();

  @Option(
      names = "--prompt",
      paramLabel = "TEXT",
      description = "What to ask. Default: ${DEFAULT-VALUE}",
      defaultValue = "Describe the image.")
  String prompt = "";

  @Option(names = "--json", description = "Prints one JSON document.")
  boolean json;

  @Mixin SamplingArguments sampling = new SamplingArguments();

  @Mixin ModelOptions modelOptions = new ModelOptions();

  @Mixin CacheOptions cache = new CacheOptions();

  @Mixin QuantizeOption quantize = new QuantizeOption();

  DescribeCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() {
    sampling.check();
    LoadOptions options = quantize.on(cache.over(modelOptions.loadOptions(terminal)));
    Path folder = model == null ? ShippedModel.SHAPES_VL.path() : model;
    // A picture is read while the model is opened, and the next one while one is described.
    try (ReadAhead<Image> pictures =
        new ReadAhead<>(
            images.stream().<Supplier<Image>>map(file -> () -> Image.of(file)).iterator(), 2)) {
      pictures.begin();
      try (VisionLanguageModel loaded = VisionLanguageModel.load(parts.of(folder), options)) {
        return describe(loaded, pictures);
      }
    }
  }

  private int describe(VisionLanguageModel loaded, ReadAhead<Image> pictures) {
    ArrayNode results = Json.array();
    for (int i = 0; i < images.size() && !terminal.isUnread(); i++) {
      Path file = images.get(i);
      Image picture = pictures.next().orElseThrow();
      if (json) {
        ObjectNode node = results.addObject();
        node.put("image", file.toString());
        node.put("text", describe(loaded, picture, new ProgressListener(terminal)).text());
      } else {
        DescriptionListener description =
            new DescriptionListener(terminal, images.size() > 1 ? file + ": " : "");
        describe(loaded, picture, description);
        description.end();
      }
    }
    if (json) {
      ObjectNode document = Json.object();
      document.set("results", results);
      Json.print(terminal.out(), document);
    }
    return Main.OK;
  }

  private GenerationResult describe(
      VisionLanguageModel loaded, Image picture, GenerationListener listener) {
    GenerationRequest request =
        GenerationRequest.builder()
            .message(Message.user(picture, prompt))
            .sampling(sampling.over(loaded.generationDefaults().sampling()))
            .maxNewTokens(sampling.maxNewTokens)
            .listener(listener)
            .build();
    GenerationResult result = loaded.generate(request);
    terminal.clearProgress();
    return result;
  }
}
