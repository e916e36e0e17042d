package io.github.vlm4j.models.family;

import io.github.vlm4j.core.model.Decoder;
import java.util.Optional;

/**
 * The layers of a model that writes, put together.
 *
 * @param decoder the language model
 * @param visual how pictures become what it reads; empty for a model of text alone
 */
public record ModelArchitecture(Decoder decoder, Optional<VisualPath> visual) {

  /** Returns a model that reads pictures. */
  public static ModelArchitecture of(Decoder decoder, VisualPath visual) {
    return new ModelArchitecture(decoder, Optional.of(visual));
  }

  /** Returns a model of text alone. */
  public static ModelArchitecture ofText(Decoder decoder) {
    return new ModelArchitecture(decoder, Optional.empty());
  }

  /** Returns how many sets of DeepStack features a picture has; 0 for most families. */
  public int deepstackLevels() {
    return visual.map(VisualPath::deepstackLevels).orElse(0);
  }
}
