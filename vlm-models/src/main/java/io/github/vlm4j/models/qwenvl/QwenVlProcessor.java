package io.github.vlm4j.models.qwenvl;

import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.InputException;
import io.github.vlm4j.core.checkpoint.CompanionFiles;
import io.github.vlm4j.core.model.PatchGrid;
import io.github.vlm4j.models.chat.Message;
import io.github.vlm4j.models.chat.Part;
import io.github.vlm4j.models.family.PreparedPrompt;
import io.github.vlm4j.models.family.PreparedVisual;
import io.github.vlm4j.models.family.PromptFiles;
import io.github.vlm4j.models.family.PromptProcessor;
import io.github.vlm4j.models.family.TemplateMessages;
import io.github.vlm4j.text.template.ChatTemplate;
import io.github.vlm4j.text.template.RenderedPrompt;
import io.github.vlm4j.text.tokenizer.Tokenizer;
import io.github.vlm4j.vision.image.Image;
import io.github.vlm4j.vision.image.ReadAhead;
import io.github.vlm4j.vision.preprocess.PatchedImage;
import io.github.vlm4j.vision.preprocess.PatchedVideo;
import io.github.vlm4j.vision.preprocess.QwenImageConfig;
import io.github.vlm4j.vision.preprocess.QwenImageProcessor;
import io.github.vlm4j.vision.preprocess.QwenVideoProcessor;
import io.github.vlm4j.vision.preprocess.QwenVideoProcessor.PixelLimits;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.IntStream;

/**
 * Conversations for Qwen's vision-language models: the checkpoint's chat template, its tokenizer,
 * and for every picture as many placeholders as it has embeddings. Reference: transformers, {@code
 * models/qwen2_5_vl/processing_qwen2_5_vl.py}, {@code models/qwen3_vl/processing_qwen3_vl.py}.
 */
final class QwenVlProcessor implements PromptProcessor {

  private static final int COLOURS = 3;

  private final QwenVlConfig config;
  private final ChatTemplate template;
  private final Tokenizer tokenizer;
  private final QwenImageProcessor images;
  private final QwenVideoProcessor videos;
  private final VisualTokens visualTokens;

  private QwenVlProcessor(
      QwenVlConfig config,
      ChatTemplate template,
      Tokenizer tokenizer,
      QwenImageProcessor images,
      QwenVideoProcessor videos) {
    this.config = config;
    this.template = template;
    this.tokenizer = tokenizer;
    this.images = images;
    this.videos = videos;
    this.visualTokens = new VisualTokens(tokenizer, config.imageTokenId(), config.videoTokenId());
  }

  static QwenVlProcessor open(CompanionFiles files, QwenVlConfig config) {
    Tokenizer tokenizer = PromptFiles.tokenizer(files, config.text().vocabularySize());
    return new QwenVlProcessor(
        config,
        PromptFiles.chatTemplate(files),
        tokenizer,
        new QwenImageProcessor(fitting(config, QwenImageConfig.load(files), "pictures")),
        new QwenVideoProcessor(
            fitting(config, QwenImageConfig.loadForVideo(files), "videos"),
            config.videos() instanceof VideoLayout.Timestamped
                ? PixelLimits.ALL_FRAMES
                : PixelLimits.EACH_FRAME));
  }

  /** The preprocessor must cut patches of the size that the encoder reads. */
  private static QwenImageConfig fitting(
      QwenVlConfig config, QwenImageConfig processor, String what) {
    List<Integer> cut =
        List.of(processor.patchSize(), processor.temporalPatchSize(), processor.mergeSize());
    List<Integer> read =
        List.of(
            config.vision().patches().patchSize(),
            config.vision().patches().temporalPatchSize(),
            config.vision().patches().mergeSize());
    if (!cut.equals(read) || config.vision().patches().channels() != COLOURS) {
      throw new CheckpointException(
          "The preprocessor's configuration for "
              + what
              + " has patch, temporal patch and merge sizes "
              + cut
              + " of "
              + COLOURS
              + " colours but config.json's vision_config has "
              + read
              + " of "
              + config.vision().patches().channels()
              + "; the two belong to different models.");
    }
    return processor;
  }

  @Override
  public Tokenizer tokenizer() {
    return tokenizer;
  }

  @Override
  public PreparedVisual prepare(Image image) {
    PatchedImage patched = images.process(image);
    int tokens = patched.grid().patches() / mergedPatches();
    return new PreparedVisual(
        patched.values(), patched.grid(), IntStream.range(0, tokens).toArray());
  }

  @Override
  public PreparedPrompt prepare(List<Message> messages) {
    RenderedPrompt rendered = template.render(TemplateMessages.ofParts(messages));
    int[] ids = tokenizer.encode(rendered);
    requireOnePlaceholderEach(ids, messages);

    List<Part> visualParts = visualParts(messages);
    List<PatchedVideo> patched =
        ReadAhead.all(
            visualParts.stream().<Supplier<PatchedVideo>>map(part -> () -> patched(part)).toList());
    Expansion expansion = new Expansion(visualTokens, config.vision().patches().mergeSize());
    List<PreparedVisual> visuals = new ArrayList<>();
    for (int id : ids) {
      if (id == config.imageTokenId() || id == config.videoTokenId()) {
        int next = visuals.size();
        visuals.add(place(visualParts.get(next), patched.get(next), expansion));
      } else {
        expansion.addText(id);
      }
    }
    return new PreparedPrompt(rendered.text(), expansion.ids(), visuals, expansion.positions());
  }

  /** A picture is a video of no time. */
  private PatchedVideo patched(Part part) {
    return switch (part) {
      case Part.Picture picture -> new PatchedVideo(images.process(picture.image()), List.of());
      case Part.Video video -> videos.process(video.frames(), video.framesPerSecond());
      case Part.Text text -> throw new IllegalStateException("no placeholder stands for text");
    };
  }

  private PreparedVisual place(Part part, PatchedVideo patched, Expansion expansion) {
    PatchGrid grid = patched.patches().grid();
    int[] rows =
        part instanceof Part.Video video
            ? place(video, patched, expansion)
            : expansion.addImage(grid);
    return new PreparedVisual(patched.patches().values(), grid, rows);
  }

  private int[] place(Part.Video video, PatchedVideo patched, Expansion expansion) {
    PatchGrid grid = patched.patches().grid();
    return switch (config.videos()) {
      case VideoLayout.Counted counted -> expansion.addVideo(grid, 1);
      case VideoLayout.Timed timed -> {
        double secondsPerPatch =
            config.vision().patches().temporalPatchSize() / video.framesPerSecond();
        yield expansion.addVideo(grid, timed.tokensPerSecond() * (float) secondsPerPatch);
      }
      case VideoLayout.Timestamped stamped -> expansion.addVideo(grid, patched.timestamps());
    };
  }

  private static List<Part> visualParts(List<Message> messages) {
    return messages.stream()
        .flatMap(message -> message.parts().stream())
        .filter(part -> !(part instanceof Part.Text))
        .toList();
  }

  /**
   * The n-th placeholder must stand for the n-th picture or video; a template that leaves one out,
   * say in a system message, would shift all that follow.
   */
  private void requireOnePlaceholderEach(int[] ids, List<Message> messages) {
    List<Boolean> wanted =
        visualParts(messages).stream().map(Part.Picture.class::isInstance).toList();
    List<Boolean> found =
        IntStream.of(ids)
            .filter(id -> id == config.imageTokenId() || id == config.videoTokenId())
            .mapToObj(id -> id == config.imageTokenId())
            .toList();
    if (!found.equals(wanted)) {
      throw new InputException(
          "The conversation has "
              + count(wanted, true)
              + " picture(s) and "
              + count(wanted, false)
              + " video(s) but the model's chat template made "
              + count(found, true)
              + " and "
              + count(found, false)
              + " placeholder(s) for them; put pictures and videos into user messages only.");
    }
  }

  private static long count(List<Boolean> pictures, boolean wanted) {
    return pictures.stream().filter(picture -> picture == wanted).count();
  }

  private int mergedPatches() {
    return config.vision().patches().mergeSize() * config.vision().patches().mergeSize();
  }
}
