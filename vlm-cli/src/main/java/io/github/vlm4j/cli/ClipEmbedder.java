package io.github.vlm4j.cli;

import io.github.vlm4j.models.ClipModel;
import io.github.vlm4j.models.LoadOptions;
import io.github.vlm4j.search.Embedder;
import io.github.vlm4j.search.ModelIdentity;
import io.github.vlm4j.vision.image.Image;
import java.nio.file.Path;
import java.util.List;

/** A dual encoder that makes the vectors of an index. */
final class ClipEmbedder implements Embedder, AutoCloseable {

  private final ClipModel clip;
  private final ModelIdentity identity;

  private ClipEmbedder(ClipModel clip, ModelIdentity identity) {
    this.clip = clip;
    this.identity = identity;
  }

  static ClipEmbedder load(Path model, LoadOptions options) {
    Path place = model.toAbsolutePath().normalize();
    ClipModel clip = ClipModel.load(model, options);
    try {
      String fingerprint = clip.modelType() + "-" + ModelFingerprint.of(model);
      return new ClipEmbedder(
          clip, new ModelIdentity(fingerprint, clip.dimension(), place.toString()));
    } catch (RuntimeException | Error failure) {
      clip.close();
      throw failure;
    }
  }

  @Override
  public ModelIdentity model() {
    return identity;
  }

  @Override
  public List<float[]> embed(List<Image> images) {
    return clip.embedImages(images);
  }

  @Override
  public float[] embed(String words) {
    return clip.embed(words);
  }

  @Override
  public void close() {
    clip.close();
  }
}
