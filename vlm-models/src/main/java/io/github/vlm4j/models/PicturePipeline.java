package io.github.vlm4j.models;

import io.github.vlm4j.core.InputException;
import io.github.vlm4j.models.family.PictureProcessor;
import io.github.vlm4j.models.family.PreparedPicture;
import io.github.vlm4j.vision.image.Image;
import io.github.vlm4j.vision.image.ReadAhead;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * Embeds pictures, however many: while some are encoded together, those that follow are read and
 * prepared on other threads, and only so many of them that they fit beside each other. Made by
 * {@link ClipModel#pipeline()}.
 *
 * <pre>{@code
 * List<float[]> vectors = new ArrayList<>();
 * clip.pipeline().embed(files.stream().<Supplier<Image>>map(f -> () -> Image.of(f)).iterator(),
 *     vectors::add);
 * }</pre>
 */
public final class PicturePipeline {

  /** Enough to go on with while a batch is encoded. */
  private static final int BATCHES_AHEAD = 2;

  private final ClipModel model;
  private final int batch;
  private final boolean asMemoryAllows;

  /**
   * Takes what to encode with.
   *
   * @param batch how many pictures are encoded together
   * @param asMemoryAllows whether they may be fewer
   */
  PicturePipeline(ClipModel model, int batch, boolean asMemoryAllows) {
    if (batch < 1) {
      throw new IllegalArgumentException("A batch of " + batch + " pictures");
    }
    this.model = model;
    this.batch = batch;
    this.asMemoryAllows = asMemoryAllows;
  }

  /**
   * Embeds pictures in their order, each vector of length 1.
   *
   * @param pictures opens each; called on several threads, each picture once
   * @param each is told the vectors, in the order of the pictures, on the calling thread
   * @throws InputException if a picture cannot be opened or put to this model; those before it have
   *     been told, up to a batch, and none after it is
   * @throws io.github.vlm4j.core.BackendException if there is not enough memory
   */
  public void embed(Iterator<? extends Supplier<Image>> pictures, Consumer<float[]> each) {
    features(
        pictures,
        vector -> {
          UnitLength.scale(vector);
          each.accept(vector);
        });
  }

  /**
   * Embeds pictures in their order, each vector as long as the model makes it.
   *
   * @param pictures opens each; called on several threads, each picture once
   * @param each is told the vectors, in the order of the pictures, on the calling thread
   * @throws InputException as {@link #embed} does
   * @throws io.github.vlm4j.core.BackendException if there is not enough memory
   */
  public void features(Iterator<? extends Supplier<Image>> pictures, Consumer<float[]> each) {
    Turns.inMemory(() -> {
      run(pictures, each);
      return true;
    });
  }

  private void run(Iterator<? extends Supplier<Image>> pictures, Consumer<float[]> each) {
    PictureProcessor processor = model.pictureProcessor();
    Iterator<Supplier<PreparedPicture>> work =
        new Iterator<>() {
          @Override
          public boolean hasNext() {
            return pictures.hasNext();
          }

          @Override
          public Supplier<PreparedPicture> next() {
            Supplier<Image> picture = pictures.next();
            return () -> processor.prepare(picture.get());
          }
        };
    try (ReadAhead<PreparedPicture> prepared = new ReadAhead<>(work, BATCHES_AHEAD * batch)) {
      List<PreparedPicture> together = new ArrayList<>();
      for (Optional<PreparedPicture> next = prepared.next();
          next.isPresent();
          next = prepared.next()) {
        together.add(next.get());
        if (together.size() == batch) {
          encode(together, each);
        }
      }
      encode(together, each);
    }
  }

  private void encode(List<PreparedPicture> together, Consumer<float[]> each) {
    model.encode(together, asMemoryAllows).forEach(each);
    together.clear();
  }
}
