package io.github.vlm4j.models.llava;

import io.github.vlm4j.core.checkpoint.ConfigNode;
import io.github.vlm4j.core.model.PatchGrid;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.models.clip.PictureTower;
import io.github.vlm4j.models.family.PictureProcessor;
import io.github.vlm4j.models.family.PreparedPicture;
import io.github.vlm4j.vision.encoder.VitConfig;
import io.github.vlm4j.vision.image.Image;
import io.github.vlm4j.vision.preprocess.ClipImageConfig;
import io.github.vlm4j.vision.preprocess.PixelValues;
import io.github.vlm4j.vision.preprocess.SeenRegion;
import io.github.vlm4j.vision.preprocess.TileSizes;
import io.github.vlm4j.vision.preprocess.TiledImageProcessor;
import java.nio.file.Path;
import java.util.List;

/** Pictures as a small copy of the whole and tiles, each of the size that the encoder reads. */
final class TiledPictures implements PictureProcessor {

  private final LlavaNextConfig config;
  private final TiledImageProcessor processor;

  private TiledPictures(LlavaNextConfig config, TiledImageProcessor processor) {
    this.config = config;
    this.processor = processor;
  }

  /**
   * Opens what prepares pictures.
   *
   * @param folder where {@code preprocessor_config.json} is
   * @throws io.github.vlm4j.core.CheckpointException if it does not fit the model
   */
  static TiledPictures open(Path folder, LlavaNextConfig config) {
    ConfigNode node = PictureTower.imageProcessor(folder);
    int side = config.llava().vision().sizes().imageSize();
    ClipImageConfig image = ClipImageConfig.readTiled(node);
    if (image.size().height() != side || image.size().width() != side) {
      throw node.invalid("size", "the image_size of vision_config in config.json, " + side);
    }
    if (image.cropHeight() != side || image.cropWidth() != side) {
      throw node.invalid("crop_size", "the image_size of vision_config in config.json, " + side);
    }
    TileSizes sizes = TileSizes.read(node, side);
    if (!sizes.equals(config.sizes())) {
      throw node.invalid("image_grid_pinpoints", "the list that config.json has");
    }
    return new TiledPictures(config, new TiledImageProcessor(image, sizes, side));
  }

  @Override
  public PreparedPicture prepare(Image image) {
    List<PixelValues> frames = processor.process(image);
    PatchGrid grid = config.grid(image.height(), image.width());
    VitConfig sizes = config.llava().vision().sizes();
    int length = frames.getFirst().values().length;
    float[] pixels = new float[frames.size() * length];
    float[] values = new float[pixels.length];
    for (int i = 0; i < frames.size(); i++) {
      System.arraycopy(frames.get(i).patches(sizes.patchSize()), 0, pixels, i * length, length);
      System.arraycopy(frames.get(i).values(), 0, values, i * length, length);
    }
    int side = sizes.imageSize();
    return new PreparedPicture(
        pixels,
        grid,
        Tensor.ofFloats(values, frames.size(), frames.getFirst().channels(), side, side),
        new SeenRegion(0, 0, image.width(), image.height()));
  }
}
