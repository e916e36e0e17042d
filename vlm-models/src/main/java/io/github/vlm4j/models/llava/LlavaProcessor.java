package io.github.vlm4j.models.llava;

import io.github.vlm4j.core.InputException;
import io.github.vlm4j.core.checkpoint.CompanionFiles;
import io.github.vlm4j.core.checkpoint.ConfigNode;
import io.github.vlm4j.models.chat.Message;
import io.github.vlm4j.models.chat.Part;
import io.github.vlm4j.models.family.ModelDescription;
import io.github.vlm4j.models.family.PictureProcessor;
import io.github.vlm4j.models.family.PlaceholderExpansion;
import io.github.vlm4j.models.family.PreparedPicture;
import io.github.vlm4j.models.family.PreparedPrompt;
import io.github.vlm4j.models.family.PreparedVisual;
import io.github.vlm4j.models.family.PromptFiles;
import io.github.vlm4j.models.family.PromptProcessor;
import io.github.vlm4j.models.family.TemplateMessages;
import io.github.vlm4j.text.template.ChatTemplate;
import io.github.vlm4j.text.template.RenderedPrompt;
import io.github.vlm4j.text.tokenizer.TextFrame;
import io.github.vlm4j.text.tokenizer.Tokenizer;
import io.github.vlm4j.text.tokenizer.TokenizerConfig;
import io.github.vlm4j.vision.image.Image;
import io.github.vlm4j.vision.image.ReadAhead;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.function.Supplier;
import java.util.function.ToIntFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Conversations for LLaVA: the checkpoint's chat template, its tokenizer, and for every picture as
 * many placeholders as it has embeddings. Reference: transformers, {@code
 * models/llava/processing_llava.py}.
 */
final class LlavaProcessor implements PromptProcessor {

  private static final String PROCESSOR = "processor_config.json";

  private final ChatTemplate template;
  private final Tokenizer tokenizer;
  private final OptionalInt beginning;
  private final TextFrame frame;
  private final PictureProcessor pictures;
  private final PlaceholderExpansion expansion;

  private LlavaProcessor(
      ChatTemplate template,
      Tokenizer tokenizer,
      OptionalInt beginning,
      TextFrame frame,
      PictureProcessor pictures,
      PlaceholderExpansion expansion) {
    this.template = template;
    this.tokenizer = tokenizer;
    this.beginning = beginning;
    this.frame = frame;
    this.pictures = pictures;
    this.expansion = expansion;
  }

  /**
   * Opens a processor.
   *
   * @param pictures prepares pictures
   * @param embeddings how many embeddings a prepared picture becomes
   */
  static LlavaProcessor open(
      ModelDescription model,
      LlavaConfig config,
      PictureProcessor pictures,
      ToIntFunction<PreparedPicture> embeddings) {
    CompanionFiles files = model.tokenizerFiles();
    Tokenizer tokenizer = PromptFiles.tokenizer(files, config.vocabularySize());
    TokenizerConfig tokenizerConfig = TokenizerConfig.load(files);
    requireFitting(model.files(), config, tokenizer);
    return new LlavaProcessor(
        PromptFiles.chatTemplate(files),
        tokenizer,
        idOf(tokenizer, tokenizerConfig.specialTokens().get("bos_token")),
        tokenizer.frame(),
        pictures,
        new PlaceholderExpansion(config.imageTokenId(), embeddings));
  }

  private static OptionalInt idOf(Tokenizer tokenizer, @Nullable String token) {
    return token == null ? OptionalInt.empty() : tokenizer.idOf(token);
  }

  /** What the processor's file says of the model must be what the model's says. */
  private static void requireFitting(
      CompanionFiles files, LlavaConfig config, Tokenizer tokenizer) {
    ConfigNode processor =
        files.has(PROCESSOR)
            ? files.config(PROCESSOR)
            : ConfigNode.parse(files.path(PROCESSOR).toString(), "{}");
    int patch = config.vision().sizes().patchSize();
    if (processor.has("patch_size") && processor.intValue("patch_size") != patch) {
      throw processor.invalid("patch_size", "that of vision_config in config.json, " + patch);
    }
    if (LlavaConfig.dropsFirst(processor, config.dropsFirst()) != config.dropsFirst()) {
      throw processor.invalid(
          LlavaConfig.STRATEGY,
          "that of config.json, " + (config.dropsFirst() ? "\"default\"" : "\"full\""));
    }
    String additional = "num_additional_image_tokens";
    if (processor.has(additional) && processor.intValue(additional) != config.prefixTokens()) {
      throw processor.invalid(
          additional,
          config.prefixTokens() + ", as many as the encoder has rows beside its patches");
    }
    requireFitting(processor, config, tokenizer);
  }

  private static void requireFitting(
      ConfigNode processor, LlavaConfig config, Tokenizer tokenizer) {
    OptionalInt id = tokenizer.idOf(processor.stringOr("image_token", "<image>"));
    if (id.isEmpty() || id.getAsInt() != config.imageTokenId()) {
      throw processor.invalid(
          "image_token",
          "the token that has in tokenizer.json the id that image_token_index is in config.json, "
              + config.imageTokenId());
    }
  }

  @Override
  public Tokenizer tokenizer() {
    return tokenizer;
  }

  @Override
  public PreparedVisual prepare(Image image) {
    PreparedPicture picture = pictures.prepare(image);
    int tokens = expansion.embeddings().applyAsInt(picture);
    return new PreparedVisual(
        picture.pixels(), picture.grid(), IntStream.range(0, tokens).toArray());
  }

  @Override
  public PreparedPrompt prepare(List<Message> messages) {
    RenderedPrompt rendered = template.render(TemplateMessages.ofParts(messages));
    List<Supplier<PreparedPicture>> work = new ArrayList<>();
    for (Message message : messages) {
      for (Part part : message.parts()) {
        switch (part) {
          case Part.Picture picture -> work.add(() -> pictures.prepare(picture.image()));
          case Part.Video video ->
              throw new InputException(
                  "This model reads pictures, not videos; give frames as pictures.");
          case Part.Text text -> {}
        }
      }
    }
    return expansion.expand(rendered.text(), framed(rendered), ReadAhead.all(work));
  }

  /** The tokenizer adds what begins a text, unless the template has put it there. */
  private int[] framed(RenderedPrompt rendered) {
    int[] ids = tokenizer.encode(rendered);
    if (ids.length > 0 && beginning.isPresent() && ids[0] == beginning.getAsInt()) {
      return ids;
    }
    return Stream.of(frame.before().stream(), IntStream.of(ids).boxed(), frame.after().stream())
        .flatMap(part -> part)
        .mapToInt(Integer::intValue)
        .toArray();
  }
}
