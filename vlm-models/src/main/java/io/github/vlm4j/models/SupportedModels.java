package io.github.vlm4j.models;

import io.github.vlm4j.models.clip.DualEncoderFormats;
import io.github.vlm4j.models.family.ModelFamily;
import io.github.vlm4j.models.family.SupportedArchitecture;
import java.util.List;
import java.util.stream.Stream;

/** The table of all models that this version knows. */
public final class SupportedModels {

  private SupportedModels() {}

  /** Returns its lines: the models that write, and then those that only embed. */
  public static List<SupportedArchitecture> all() {
    return Stream.concat(
            ModelFamilies.ALL.stream().map(ModelFamily::supported).flatMap(List::stream),
            DualEncoderFormats.SUPPORTED.stream())
        .toList();
  }
}
