package io.github.vlm4j.models.clip;

import io.github.vlm4j.core.model.PatchGrid;
import io.github.vlm4j.core.weights.WeightScope;
import io.github.vlm4j.models.family.PictureProcessor;
import io.github.vlm4j.text.contrastive.ContrastiveTokenizer;
import java.nio.file.Path;

/** One of the ways in which dual encoders are published, with the sizes of a given checkpoint. */
public interface DualEncoderFormat {

  /** Returns what the checkpoint is, such as its {@code model_type}. */
  String modelType();

  /** Returns why a checkpoint is taken for this, in words. */
  String reason();

  /**
   * Puts the model together.
   *
   * @param weights the root of its tensor names
   * @throws io.github.vlm4j.core.VlmException if the tensors are not this model's
   */
  DualEncoder assemble(WeightScope weights);

  /** Returns whether a checkpoint may hold a tensor that the model does not ask for. */
  boolean mayIgnore(String tensor);

  /** Returns the grid of patches that positions were learned for; one patch without pictures. */
  PatchGrid grid();

  /**
   * Opens what prepares pictures.
   *
   * @param folder where the files beside the weights are
   * @throws io.github.vlm4j.core.VlmException if a file is missing or malformed
   */
  PictureProcessor pictures(Path folder);

  /**
   * Opens the tokenizer.
   *
   * @param folder where the files beside the weights are
   * @throws io.github.vlm4j.core.VlmException if a file is missing or malformed
   */
  ContrastiveTokenizer tokenizer(Path folder);
}
