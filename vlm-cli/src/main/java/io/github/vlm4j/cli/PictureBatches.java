package io.github.vlm4j.cli;

import io.github.vlm4j.models.ClipModel;
import io.github.vlm4j.vision.image.Image;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Embeds picture files a batch at a time, so that never more than one batch is held decoded. */
final class PictureBatches {

  private PictureBatches() {}

  /** Returns normalised embeddings in the order of the files. */
  static List<float[]> embed(Terminal terminal, ClipModel model, List<Path> files) {
    return encode(terminal, files, model::embedImages);
  }

  /** Returns what an encoder makes of the files, in their order. */
  static List<float[]> encode(Terminal terminal, List<Path> files, Encoder encoder) {
    List<float[]> vectors = new ArrayList<>();
    for (int from = 0; from < files.size(); from += ClipModel.PICTURE_BATCH) {
      terminal.progress("Encoding pictures", from, files.size());
      int to = Math.min(files.size(), from + ClipModel.PICTURE_BATCH);
      vectors.addAll(encoder.encode(files.subList(from, to).stream().map(Image::of).toList()));
    }
    terminal.clearProgress();
    return vectors;
  }

  /** Makes vectors of pictures. */
  interface Encoder {
    List<float[]> encode(List<Image> images);
  }
}
