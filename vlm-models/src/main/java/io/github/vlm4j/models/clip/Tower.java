package io.github.vlm4j.models.clip;

import io.github.vlm4j.core.checkpoint.CompanionFiles;
import io.github.vlm4j.core.checkpoint.ConfigNode;
import io.github.vlm4j.core.weights.WeightScope;
import io.github.vlm4j.vision.preprocess.ClipImageConfig;
import java.nio.file.Files;
import java.nio.file.Path;

/** How Hugging Face's dual encoders keep what belongs to one of their two towers. */
final class Tower {

  private static final String PREPROCESSOR = "preprocessor_config.json";
  private static final String PROCESSOR = "processor_config.json";

  private Tower() {}

  /**
   * Returns a tower's part of {@code config.json}, which is all of it if there is but one tower.
   * Early files have the same field again with {@code _dict} added, which counts if it is there.
   */
  static ConfigNode config(ConfigNode config, String field) {
    return config
        .objectIfPresent(field + "_dict")
        .or(() -> config.objectIfPresent(field))
        .orElse(config);
  }

  /**
   * Returns where a tower's tensors begin. Published files of one tower keep its name in front of
   * them; newer versions of the reference write them without.
   */
  static WeightScope scope(WeightScope root, String name, String tensor) {
    return root.has(tensor) ? root : root.at(name);
  }

  /** Position ids are counted, not learned, though early files hold them. */
  static boolean mayIgnore(String tensor) {
    return tensor.endsWith(".position_ids") || tensor.equals("position_ids");
  }

  /** Returns whether there is a file that says how pictures are prepared. */
  static boolean hasImageConfig(Path folder) {
    return Files.exists(folder.resolve(PREPROCESSOR)) || Files.exists(folder.resolve(PROCESSOR));
  }

  /** Returns what says how pictures are prepared; newer files say it for all of a model's input. */
  static ConfigNode imageProcessor(CompanionFiles files) {
    if (!files.has(PREPROCESSOR) && files.has(PROCESSOR)) {
      ConfigNode processor = files.config(PROCESSOR);
      if (processor.isObject("image_processor")) {
        return processor.object("image_processor");
      }
    }
    return files.config(PREPROCESSOR);
  }

  static ClipImageConfig imageConfig(Path folder) {
    return ClipImageConfig.read(imageProcessor(CompanionFiles.in(folder)));
  }
}
