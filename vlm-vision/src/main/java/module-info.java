/** Image decoding, preprocessing and vision encoders. */
module io.github.vlm4j.vision {
  requires transitive io.github.vlm4j.core;
  requires transitive java.desktop;
  requires com.twelvemonkeys.imageio.tiff;
  requires com.twelvemonkeys.imageio.webp;
  requires com.twelvemonkeys.imageio.core;

  exports io.github.vlm4j.vision.encoder;
  exports io.github.vlm4j.vision.image;
  exports io.github.vlm4j.vision.preprocess;
}
