package io.github.vlm4j.search;

import io.github.vlm4j.core.InputException;
import io.github.vlm4j.vision.image.Image;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * Gives each colour a random vector of its own; words are read as colours in hexadecimal. Black is
 * refused, white has no direction.
 */
final class ColourEmbedder implements Embedder {

  static final int BLACK = 0;
  static final int WHITE = 0xffffff;

  private final ModelIdentity model;
  private int budget = Integer.MAX_VALUE;
  private int largestBatch;
  private int embedded;

  ColourEmbedder(int dimension) {
    this(new ModelIdentity("colours", dimension, "models/colours"));
  }

  ColourEmbedder(ModelIdentity model) {
    this.model = model;
  }

  /** Fails like a machine without memory after so many pictures. */
  ColourEmbedder failingAfter(int pictures) {
    budget = pictures;
    return this;
  }

  int embedded() {
    return embedded;
  }

  int largestBatch() {
    return largestBatch;
  }

  @Override
  public ModelIdentity model() {
    return model;
  }

  @Override
  public List<float[]> embed(List<Image> images) {
    largestBatch = Math.max(largestBatch, images.size());
    List<float[]> vectors = new ArrayList<>();
    for (Image image : images) {
      int colour = colour(image);
      if (colour == BLACK) {
        throw new InputException("The picture " + image.name() + " is too dark.");
      }
      vectors.add(vector(colour));
    }
    if (embedded + images.size() > budget) {
      throw new IllegalStateException("The machine stopped");
    }
    embedded += images.size();
    return vectors;
  }

  @Override
  public float[] embed(String words) {
    return vector(Integer.parseInt(words, 16));
  }

  float[] vector(int colour) {
    float[] vector = new float[model.dimension()];
    if (colour != WHITE) {
      Random random = new Random(colour);
      for (int i = 0; i < vector.length; i++) {
        vector[i] = (float) random.nextGaussian();
      }
    }
    return vector;
  }

  private static int colour(Image image) {
    int colour = 0;
    for (int channel = 0; channel < 3; channel++) {
      colour = colour << 8 | image.pixels().get(ValueLayout.JAVA_BYTE, channel) & 255;
    }
    return colour;
  }
}
