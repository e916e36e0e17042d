package io.github.vlm4j.models.family;

import java.util.List;

/**
 * A line of the table of what is supported: which parts are put together for which models.
 *
 * @param family what people call the models
 * @param modelTypes the {@code model_type}s that tell them; empty where only tensors' names do
 * @param layout the files and tensor names they come in
 * @param encoder what reads pictures
 * @param connector what stands between, with the features it reads
 * @param decoder what writes, or what reads texts where nothing writes
 */
public record SupportedArchitecture(
    String family,
    List<String> modelTypes,
    String layout,
    String encoder,
    String connector,
    String decoder) {

  /** Stands for a part that there is not. */
  public static final String NONE = "–";

  /** Keeps an immutable copy. */
  public SupportedArchitecture {
    modelTypes = List.copyOf(modelTypes);
  }

  /** Returns what models are recognised by, in words. */
  public String recognisedBy() {
    return modelTypes.isEmpty() ? "tensor names" : "model_type " + String.join(", ", modelTypes);
  }
}
