package io.github.vlm4j.search;

import io.github.vlm4j.vision.image.Image;
import java.util.List;

/** Puts pictures and words into one space of vectors, as CLIP and SigLIP do. */
public interface Embedder {

  /** Returns which model it is. */
  ModelIdentity model();

  /**
   * Embeds pictures.
   *
   * @param images one to {@link PictureIndexer#BATCH}
   * @return a vector for each picture, in their order, of {@link ModelIdentity#dimension} numbers
   *     and any length but 0
   * @throws io.github.vlm4j.core.InputException if a picture cannot be put to this model
   */
  List<float[]> embed(List<Image> images);

  /**
   * Embeds words.
   *
   * @return a vector as {@link #embed(List)} returns them
   * @throws io.github.vlm4j.core.InputException if the model does not read
   */
  float[] embed(String words);
}
